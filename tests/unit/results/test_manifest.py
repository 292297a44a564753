"""The manifest in the zip: what follows from the inputs, and nothing of the occasion."""

from __future__ import annotations

import dataclasses

import pytest

from senrkit.results.manifest import of_inputs_alone
from senrkit.settings.settings import AeriesSettings

OF_THE_INPUTS = {"schools", "skip_tags", "skip_programs", "headings"}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(AeriesSettings)])
def test_how_aeries_is_reached_does_not_make_the_zip_differ(name):
    kept = of_inputs_alone({"settings": {"aeries": {name: "x"}}})
    assert (name in kept["settings"]["aeries"]) == (name in OF_THE_INPUTS)
