"""The judge: finds in run logs why missions fail, and rewrites SYSTEM_PROMPT, safely.

job.py, rewrite.py, outcome.py   one judging, from run logs to a version of the prompt
offered.py  a version that the fleet offers: through the same gate, or taken back
evidence/   failure modes, counted in code
groq/       the question, and what may be believed of the answer
question/   what a model is shown, and the candidates in its answer
wording/    free text: whether it may stand in a prompt
candidates/ remedies of code's own, and which of all are tried
remedies/   from what was found to what is tried
proxy/      what a brain that is a language model asks through
prompt/     SYSTEM_PROMPT in its file, its rules and versions
gates/      what a rewrite must pass
driven.py   which runs a prompt drove, for what is mined and for the monitor alike
policy.py, brain.py   who drives under a prompt: `decide` of the project, in a process of its own
monitor/    whether the runs since are worse
"""
