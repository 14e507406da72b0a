"""Runs for those who live in other tools: a recording for Rerun, event files for TensorBoard.

MLflow is told by jobs (handlers.tracking), Prometheus by cadenzad.metrics.
"""
