"""Text (and images) -> unit vectors, by a module that LoRA can adapt.

base.py      what an encoder is
minilm.py    all-MiniLM-L6-v2, from an installed package or a local folder, its bytes checked
light.py     our own: hashed words and letter n-grams; for where no model is installed
own.py       the project's lora_encoder.py, once trusted
called.py    its module, built and called: what it gives checked, what it raises one line
pooling.py   one vector of many: padding found and left out, rogue dimensions scaled down
imports.py   what a project's encoder may import
"""
