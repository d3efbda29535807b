"""Language models on real bugs, side by side in the terminal."""

from typing import Final

__version__: Final = "0.1.0"
