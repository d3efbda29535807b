"""A real, if small, language model that needs no key and no network: SmolLM2-135M-Instruct behind llama.cpp."""
