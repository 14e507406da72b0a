"""Trainings, adapters and prompts as MLflow has them, where MLFLOW_TRACKING_URI says where to.

reactions.py  which events are tracked: a job tells them, with the patience of jobs
job.py        each event to what MLflow calls it, the oldest first, any number of times
mlflow.py     the few calls to MLflow, each of which finds what an earlier one made
"""
