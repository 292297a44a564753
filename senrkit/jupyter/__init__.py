"""Our own Jupyter world, behind dashboard, lab and notebooks: its settings, its kernel, its door."""
