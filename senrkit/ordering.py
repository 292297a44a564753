"""Frames in order of several columns, fast also for hundreds of thousands of texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def sorted_by(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The frame, ascending by these columns, the first counting most; equal rows keep their order."""
    return frame.iloc[sorted_positions(frame, columns)]


def sorted_positions(frame: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Positions that put the frame in the order of `sorted_by`."""
    table = pa.table({column: pa.array(frame[column].array, from_pandas=True) for column in columns})
    return pc.sort_indices(table, [(column, "ascending") for column in columns]).to_numpy()
