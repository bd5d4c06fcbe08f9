"""The questions of the replicated study, asked with enough specimens (study/dvc.yaml, docs/study.md)."""
