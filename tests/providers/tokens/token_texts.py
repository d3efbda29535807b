"""Texts of all kinds that prompts contain, for tests of token counts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import swebench_providers
from swebench_providers import Message, UnifiedRequest

SOURCES = Path(swebench_providers.__file__).parent
PYTHON = (SOURCES / "provider.py").read_text("utf-8")
PATCH = '''\
diff --git a/calc/stats.py b/calc/stats.py
index 83db48f..bf269f4 100644
--- a/calc/stats.py
+++ b/calc/stats.py
@@ -12,9 +12,12 @@ class Series:
     def mean(self, values: list[float], *, default: float | None = None) -> float:
         """The arithmetic mean of `values`; `default` where there are none."""
-        return sum(values) / len(values)
+        if not values and default is not None:
+            return default
+        return math.fsum(values) / len(values)

-    def variance(self, values):
-        m = self.mean(values)
+    def variance(self, values: list[float]) -> float:
+        m = self.mean(values, default=0.0)
         return sum((v - m) ** 2 for v in values) / (len(values) - 1)
@@ -40,4 +43,3 @@ def parse_header(line):
     name, _, value = line.partition(":")
-    print("DEBUG", name, value)
     return name.strip().lower(), value.strip()
'''
PROSE = """\
It was late in the evening when the ferry finally left the harbour. Most of the passengers had gone below, where it was
warm, but the old man stayed on deck and watched the lights of the town grow smaller. He had lived there for forty
years, and he did not expect to come back.

"You'll catch cold," said the steward, who was collecting cups. The man nodded without turning round. Somewhere behind
them a dog barked twice and was silent. What he had wanted to say that morning, and had not said, seemed simple now:
that nobody was to blame, that the house could be sold, and that the letters in the drawer belonged to his sister.
"""
ISSUE = """\
`UsernameValidator` allows a trailing newline in usernames

Description: ASCIIUsernameValidator and UnicodeUsernameValidator use the regex `r'^[\\w.@+-]+$'`. The intent is to only
allow alphanumeric characters as well as ., @, +, and -. However, a little known quirk of Python regexes is that $ will
also match a trailing newline. Therefore, the user name validators will accept usernames which end with a newline.

Traceback (most recent call last):
  File "/usr/lib/python3.11/site-packages/app/views.py", line 211, in post
    raise ValueError(f"bad name: {name!r}")
ValueError: bad name: 'mallory\\n'
"""
TEXTS: Mapping[str, str] = {
    "nothing": "",
    "a letter": "a",
    "a space": " ",
    "a word": "unbelievable",
    "code": PYTHON,
    "100 kB of code": (PYTHON * 10)[:100_000],
    "a patch": PATCH,
    "an issue": ISSUE,
    "prose": PROSE,
    "CRLF lines": PATCH.replace("\n", "\r\n"),
    "tabs": PYTHON[:3000].replace("    ", "\t"),
    "Chinese": "当程序从服务器收到意外的答复时，它应当通知用户，并且不丢失任何数据。测试表明补丁已经生效。",  # noqa: RUF001
    "Japanese": "プログラムがサーバーから予期しない応答を受け取ったとき、ユーザーに知らせる必要があります。",
    "Korean": "프로그램이 서버에서 예상하지 못한 응답을 받으면 사용자에게 알리고 데이터를 잃지 않아야 합니다.",
    "Arabic and Hebrew": "يجب عليه إبلاغ المستخدم بذلك. כאשר התוכנית מקבלת תשובה לא צפויה",
    "Russian": "Когда программа получает неожиданный ответ, она должна сообщить об этом пользователю.",  # noqa: RUF001
    "accents": "Größere Änderungen prüfen wir täglich; l'été dernier, à Besançon, naïve façade, Łódź, e\u0301\u0302.",
    "emoji": "😀🎉🚀 fix 🐛🔥✅❌ 👍🏽 👩‍💻 ❤️ 🇩🇪 🏳️‍🌈 🧪📦🤖🛠️✨",
    "frames": "╭──────────╮\n│ ● done   │\n╰──────────╯ ✓ → … — “quoted” ▂▃▅▇ ° ± ≤ ≠ µ",
    "spaces": "a" + " " * 5000 + "b" + " " * 17,
    "blank lines": "\n" * 3000 + " \n\t\n \r\n\r\n" * 40,
    "one letter again and again": "a" * 20_000,
    "one mark again and again": "=" * 5000 + "^" * 5000,
    "special tokens": "<|endoftext|>a<|fim_prefix|><|endofprompt|> <|start|>system<|message|>x<|call|><|return|>",
    "numbers": "3.14159265358979 1234567890 0xDEADBEEF 1e-9 2026-11-22T10:00:00Z 192.168.0.1",
    "base64": "Y29tcGxldGlvbi5jaHVuayIsImNyZWF0ZWQiOjE3OTUzMDAwMDAsIm1vZGVsIjoiZ3B0LTYuMS10ZXJyYSIs" * 5,
    "separators": "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\ufeffh\u200bi\xa0j",
    "controls": "\x00\x01\x1b[31mred\x1b[0m\x7f\x9b",
    "half a character": "before \ud83d after \udc1b",
    "beyond the BMP": "𠜎𠜱𠝹𠱓𠱸𝒜𝓑𝔸𓀀𓁐",
}

CHAT = UnifiedRequest(
    model="gpt-5",
    system_message="Be brief.",
    messages=(Message("user", "Why?"), Message("assistant", "Because.")),
    prompt="Go on.",
)
CHAT_TEXTS = ("Be brief.", "Why?", "Because.", "Go on.")
CHAT_FRAMING = 3 * len(CHAT_TEXTS) + 3
