"""Maps of codes, vector fields and spectra: what is drawn, and where."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.quiver import Quiver

from replearn.plotting import PALETTE, new_figure, show
from replearn.plotting.maps import code_map, spectrum, vector_field


@pytest.fixture(autouse=True)
def no_figure_left_open():
    yield
    plt.close("all")


def scatters(ax):
    return [item for item in ax.collections if isinstance(item, PathCollection)]


def drawn_names(ax):
    """Text to the box of its badge, in pixels, as drawn."""
    fig = ax.get_figure()
    fig.draw_without_rendering()
    return {text.get_text(): text.get_bbox_patch().get_window_extent() for text in ax.texts}


def test_code_map_draws_each_class_in_its_colour():
    H = torch.randn(60, 2, generator=torch.Generator().manual_seed(0))
    y = torch.arange(60) % 10
    _, ax = code_map(H, y, title="Codes")
    points = scatters(ax)
    assert len(points) == 10
    for c, own in enumerate(points):
        np.testing.assert_allclose(own.get_offsets(), H[y == c].numpy(), rtol=1e-6)
        assert to_hex(own.get_facecolor()[0]).upper() == PALETTE[c % 7].upper()
        assert own.get_rasterized()
    # the colours begin anew with the eighth class, the markers do not
    first, eighth = (points[c].get_paths()[0].vertices for c in (0, 7))
    assert first.shape != eighth.shape
    assert ax.get_title() == "Codes"
    assert [text.get_text() for text in ax.texts] == [str(c) for c in range(10)]
    assert not len(ax.get_xticks())


def test_code_map_puts_a_name_on_its_class():
    generator = torch.Generator().manual_seed(0)
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    y = torch.arange(90) % 3
    H = centres[y] + 0.3 * torch.randn(90, 2, generator=generator)
    _, ax = code_map(H, y, names=["here", "right", "above"])
    boxes = drawn_names(ax)
    assert set(boxes) == {"here", "right", "above"}
    for name, centre in zip(("here", "right", "above"), centres.numpy(), strict=True):
        box = boxes[name]
        middle = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2
        place = ax.transData.inverted().transform(middle)
        assert np.hypot(*(place - centre)) < 1.5


@pytest.mark.parametrize("names", [None, [f"class {c}" for c in range(10)]])
def test_names_of_classes_that_lie_on_one_another_do_not_cover_one_another(names):
    H = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    _, ax = code_map(H, torch.arange(500) % 10, names=names)
    boxes = list(drawn_names(ax).values())
    frame = ax.get_window_extent()
    for index, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[:index])
        assert one.x0 > frame.x0 - 20
        assert one.x1 < frame.x1 + 20


def test_code_map_of_classes_at_one_point_and_into_given_axes():
    _, axes = new_figure(2)
    fig, ax = code_map(np.zeros((4, 2)), np.array([3, 3, 8, 8]), ax=axes[1])
    assert ax is axes[1]
    one, other = drawn_names(ax).values()
    assert not one.overlaps(other)
    assert "image/png" in show(fig, alt="Both classes lie at one point.").html


def test_a_code_map_follows_the_theme():
    H = torch.randn(50, 2)
    fig, ax = code_map(H, torch.arange(50) % 3)
    for c, name in enumerate(ax.texts):  # white on the class's colour, framed in the page's ink
        badge = name.get_bbox_patch()
        assert to_hex(name.get_color()) == "#ffffff"
        assert to_hex(badge.get_facecolor()).upper() == PALETTE[c]
        assert to_hex(badge.get_edgecolor()) == "#000000"
    html = show(fig, alt="Three classes lie on one another.").html
    assert "stroke: currentColor" in html
    assert "#000000" not in html


@pytest.mark.parametrize(
    ("H", "y", "names", "sentence"),
    [
        (torch.ones(3, 3), torch.ones(3), None, r"H: got shape \(3, 3\), want \(n, 2\)"),
        (torch.ones(0, 2), torch.ones(0), None, r"H: got shape \(0, 2\)"),
        (torch.full((2, 2), math.nan), torch.ones(2), None, "H: got NaN"),
        (torch.ones(3, 2), torch.ones(2), None, r"y: got shape \(2,\), want \(3,\)"),
        (torch.ones(3, 2), torch.full((3,), 0.5), None, "y: got values that are not integers"),
        (torch.ones(3, 2), torch.ones(3), ["a", "b"], "names: got 2 texts, want one for each of 1"),
    ],
)
def test_code_map_names_what_does_not_fit(H, y, names, sentence):
    with pytest.raises(ValueError, match=sentence):
        code_map(H, y, names=names)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_vector_field_draws_arrows_of_the_given_length_in_units_of_the_axes(scale):
    points = torch.tensor([[0.0, 0.0], [1.0, 2.0]])
    vectors = torch.tensor([[4.0, 0.0], [0.0, -6.0]])
    data = torch.tensor([[0.5, 0.5]])
    fig, ax = vector_field(points, vectors, data, scale=scale, title="Field")
    (arrows,) = (item for item in ax.collections if isinstance(item, Quiver))
    np.testing.assert_allclose(arrows.get_offsets(), points)
    np.testing.assert_allclose(np.stack([arrows.U, arrows.V], 1), scale * vectors.numpy())
    assert (arrows.scale, arrows.scale_units, arrows.angles) == (1.0, "xy", "xy")
    (samples,) = scatters(ax)
    np.testing.assert_allclose(samples.get_offsets(), data)
    assert ax.get_aspect() == 1.0
    assert ax.get_title() == "Field"
    fig.draw_without_rendering()
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    assert left <= 0
    assert right >= 4 * scale
    assert low <= min(0, 2 - 6 * scale)
    assert high >= 2
    assert "<path" in show(fig, alt="The arrows point away from it.").html


def test_vector_field_without_data_into_given_axes():
    _, axes = new_figure(2)
    _, ax = vector_field([[0, 0]], [[1, 1]], ax=axes[0], color=PALETTE[1])
    assert ax is axes[0]
    assert scatters(ax) == []
    (arrows,) = ax.collections
    assert to_hex(arrows.get_facecolor()[0]).upper() == PALETTE[1]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"points": torch.ones(3)}, r"points: got shape \(3,\), want \(n, 2\)"),
        ({"vectors": torch.ones(2, 2)}, "vectors: got 2 for 3 points"),
        ({"vectors": torch.full((3, 2), math.inf)}, "vectors: got NaN or infinite"),
        ({"data": torch.ones(3, 3)}, r"data: got shape \(3, 3\)"),
        ({"scale": 0.0}, "scale: got 0.0, want a positive number"),
        ({"scale": math.inf}, "scale: got inf"),
    ],
)
def test_vector_field_names_what_does_not_fit(changed, sentence):
    arguments = {"points": torch.ones(3, 2), "vectors": torch.ones(3, 2)} | changed
    with pytest.raises(ValueError, match=sentence):
        vector_field(**arguments)
    assert plt.get_fignums() == []


def test_spectrum_draws_means_and_the_band_between_quantiles():
    values = torch.arange(11.0)[:, None] * torch.tensor([2.0, 1.0])
    _, ax = spectrum({"many": values, "one": torch.tensor([3.0, 2.0, 1.0])}, ylabel="size")
    many, one = ax.get_lines()[:2]
    np.testing.assert_allclose(many.get_xdata(), [1, 2])
    np.testing.assert_allclose(many.get_ydata(), [10, 5])
    np.testing.assert_allclose(one.get_xdata(), [1, 2, 3])
    np.testing.assert_allclose(one.get_ydata(), [3, 2, 1])
    (band,) = (item for item in ax.collections if isinstance(item, PolyCollection))
    corners = {tuple(corner) for corner in np.round(band.get_paths()[0].vertices, 9)}
    assert corners >= {(1.0, 2.0), (1.0, 18.0), (2.0, 1.0), (2.0, 9.0)}
    assert to_hex(band.get_facecolor()[0]).upper() == many.get_color() == PALETTE[0]
    assert ax.get_ylabel() == "size"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["many", "one"]


def test_spectrum_without_bands_on_a_logarithmic_axis_with_direct_names():
    _, axes = new_figure(2)
    _, ax = spectrum(
        {"a": torch.rand(5, 4) + 1}, spread=None, logy=True, labels="direct", ax=axes[0]
    )
    assert ax is axes[0]
    assert not ax.collections
    assert ax.get_yscale() == "log"
    assert [text.get_text() for text in ax.texts] == ["a"]


@pytest.mark.parametrize(
    ("values", "options", "sentence"),
    [
        ({}, {}, "values: got nothing, want a dict"),
        (torch.ones(3, 2), {}, "values: got Tensor, want a dict"),
        ({"a": torch.ones(1, 2, 3)}, {}, r"values\['a'\]: got shape \(1, 2, 3\)"),
        ({"a": torch.ones(0, 3)}, {}, r"values\['a'\]: got shape \(0, 3\)"),
        ({"a": torch.full((2, 2), math.nan)}, {}, r"values\['a'\]: .* want finite values"),
        ({"a": torch.ones(2, 2)}, {"spread": (0.9, 0.1)}, r"spread: got \(0.9, 0.1\)"),
        ({"a": torch.ones(2, 2)}, {"spread": (0.1, 1.1)}, "spread: got"),
    ],
)
def test_spectrum_names_what_does_not_fit(values, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        spectrum(values, **options)
    assert plt.get_fignums() == []
