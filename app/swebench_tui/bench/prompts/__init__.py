"""Prompts: the issue and the files of a task, and how the model is to answer.

prompt = render_prompt(instance, context, Template(answer_format=AnswerFormat.DIFF))
print(prompt.system, prompt.user, prompt.hash)
"""

from __future__ import annotations

from swebench_tui.bench.prompts.answer_format import AnswerFormat
from swebench_tui.bench.prompts.prompt_hash import prompt_hash
from swebench_tui.bench.prompts.render import Prompt, render_prompt
from swebench_tui.bench.prompts.template import PromptError, Template, read_template

__all__ = ["AnswerFormat", "Prompt", "PromptError", "Template", "prompt_hash", "read_template", "render_prompt"]
