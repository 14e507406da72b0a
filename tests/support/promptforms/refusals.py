"""Prompts that are not edited, and what is said of each."""

from __future__ import annotations

from promptforms import RULES, Form, refused
from promptforms.files import READ, YAML, reads


def _not(form: Form, says: str) -> Form:
    return Form(form.files, named=form.named, says=says)


REFUSED = {
    "none": refused("x = 1\n", "no .py file has a module-level SYSTEM_PROMPT"),
    "a text that nothing reads": Form({"prompt.txt": "Be."}, says='prompt = "prompt.txt"'),
    "a condition": refused(
        'import os\nSYSTEM_PROMPT = "a" if os.sep else "b"\n', ":2: .* a condition"
    ),
    "branches": refused(
        'if 1:\n  SYSTEM_PROMPT = "a"\nelse:\n  SYSTEM_PROMPT = "b"\n', "2 times: 2, 4"
    ),
    "one branch": refused('if 1:\n  SYSTEM_PROMPT = "a"\n', ":2: .* under a condition"),
    "try": refused('try:\n  SYSTEM_PROMPT = "a"\nexcept E:\n  SYSTEM_PROMPT = "b"\n', "2 times"),
    "set twice": refused('SYSTEM_PROMPT = "a"\nSYSTEM_PROMPT = "b"\n', ":2: .* 2 times: 1, 2"),
    "a match": refused(
        'match 1:\n  case 1:\n    SYSTEM_PROMPT = "a"\n', ":3: .* under a condition"
    ),
    "the environment": refused(
        'import os\nSYSTEM_PROMPT = os.environ.get("P", "a")\n', "environment"
    ),
    "the environment's item": refused(
        'import os\nSYSTEM_PROMPT = os.environ["P"]\n', "environment"
    ),
    "a function of its own": refused(
        'def load():\n  return "a"\nSYSTEM_PROMPT = load()\n', ":3: .* the result of a call"
    ),
    "gettext": refused(
        'from gettext import gettext as _\nSYSTEM_PROMPT = _("a")\n', "result of a call"
    ),
    "an object": refused('SYSTEM_PROMPT = SystemMessage(content="a")\n', "the result of a call"),
    "base64": refused(
        'import base64\nSYSTEM_PROMPT = base64.b64decode("YQ==").decode()\n', "a call"
    ),
    "the network": refused(
        'from urllib.request import urlopen\nSYSTEM_PROMPT = urlopen("http://a").read().decode()\n',
        "the result of a call",
    ),
    "input": refused('SYSTEM_PROMPT = input("prompt? ")\n', "the result of a call"),
    "lambda": refused('SYSTEM_PROMPT = lambda x: f"Be {x}"\n', "a Lambda"),
    "bytes": refused('SYSTEM_PROMPT = b"a"\n', "bytes"),
    "lines": refused('SYSTEM_PROMPT = ["a", "b"]\n', "a List"),
    "or": refused('import x\nSYSTEM_PROMPT = x.y or "a"\n', "a BoolOp"),
    "walrus": refused('print(SYSTEM_PROMPT := "a")\n', "plain assignment"),
    "loop": refused('for SYSTEM_PROMPT in ["a"]:\n  pass\n', "plain assignment"),
    "global": refused('SYSTEM_PROMPT = "a"\ndef f():\n  global SYSTEM_PROMPT\n', "2 times"),
    "globals": refused('SYSTEM_PROMPT = "a"\nglobals()["SYSTEM_PROMPT"] = "b"\n', "2 times"),
    "deleted": refused('SYSTEM_PROMPT = "a"\ndel SYSTEM_PROMPT\n', "2 times"),
    "an item of a dict that changes": refused(
        'P = {"s": "a"}\nP["s"] += "b"\nSYSTEM_PROMPT = P["s"]\n', "known by reading"
    ),
    "rules in a shared constant": refused(
        f'P = """Be.\n{RULES}"""\nSYSTEM_PROMPT = P\nOTHER = [P]\n', ":5: line 3 of the prompt"
    ),
    "rules in words joined anew": refused(
        f'SYSTEM_PROMPT = "\\n".join("""{RULES}""".split("\\n"))\n', ":1: line 2 of the prompt"
    ),
    "a name of nowhere": refused("SYSTEM_PROMPT = OTHER\n", "another name's value"),
    "imported from elsewhere": refused("from json import SYSTEM_PROMPT\n", "not in the project"),
    "no Python": refused("SYSTEM_PROMPT = (\n", "is not Python"),
    "two files": Form(
        {"a.py": 'SYSTEM_PROMPT = "a"\n', "b.py": 'SYSTEM_PROMPT = "b"\n'},
        says="a.py and b.py both set",
    ),
    "two classes": refused(
        'class A:\n  SYSTEM_PROMPT = "a"\nclass B:\n  SYSTEM_PROMPT = "b"\n',
        r"main.py:A.SYSTEM_PROMPT \(line 2\), main.py:B.SYSTEM_PROMPT \(line 4\)",
    ),
    "two arguments": refused('f(system_prompt="a")\nf(system_prompt="b")\n', "2 places may hold"),
    "set from outside": refused(
        'class A:\n  SYSTEM_PROMPT = "a"\nA.SYSTEM_PROMPT = "b"\n', "2 places may hold"
    ),
    "no such file": refused(READ, "prompt.txt: is read for the prompt, and is not there"),
    "a file outside": refused(
        READ.replace("prompt.txt", "../../prompt.txt"), "leads out of the project"
    ),
    "two files of one name": Form(
        {
            "robot/__init__.py": "",
            "robot/brain.py": READ,
            "prompt.txt": "a",
            "robot/prompt.txt": "b",
        },
        says="are both meant by 'prompt.txt'",
    ),
    "text in another encoding": Form(
        {"main.py": READ, "prompt.txt": b"G\xfctig"}, says="not text in utf-8"
    ),
    "bytes with their line ends": Form(
        {"main.py": READ.replace("read_text()", "read_bytes().decode()"), "prompt.txt": b"a\r\nb"},
        says="line ends",
    ),
    "setting: yaml without quotes": Form(
        {"p.yaml": "system: Be good.\n"}, named="p.yaml:system", says="line 1 of the prompt"
    ),
    "setting: yaml, folded": Form(
        {"p.yaml": "system: >\n  Be good.\n"}, named="p.yaml:system", says="line 2 of the prompt"
    ),
    "setting: yaml, an anchor": Form(
        {"p.yaml": "a: &x |\n  Be.\nsystem: *x\n"},
        named="p.yaml:system",
        says="line 2 of the prompt",
    ),
    "yaml without the key": _not(reads(YAML, "p.yaml", "x: 1\n"), "system is not there"),
    "no yaml": _not(reads(YAML, "p.yaml", "system: [\n"), "is not YAML"),
    "no notebook": Form({"a.ipynb": '{"system_prompt": 1}'}, says="is not a notebook"),
    "setting: no such file": Form({"main.py": ""}, named="p.txt", says="there is no file p.txt"),
    "setting: no such name": Form({"main.py": "x = 1\n"}, named="main.py:P", says="P is not there"),
    "setting: no key": Form({"c.yaml": "a: b\n"}, named="c.yaml", says="names no key"),
    "setting: a name in a text": Form({"p.txt": "a"}, named="p.txt:P", says="no names in it"),
    "setting: leads out": Form({"main.py": ""}, named="../p.txt", says="leads out of the project"),
}
