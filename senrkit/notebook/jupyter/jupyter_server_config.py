"""JupyterLab's settings under `senrkit lab`: a notebook is saved without its outputs."""

from senrkit.notebook.lab import without_outputs

c = get_config()  # noqa: F821 - Jupyter gives it
c.ContentsManager.pre_save_hook = without_outputs
