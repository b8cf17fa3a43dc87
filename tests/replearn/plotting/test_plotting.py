"""Figures: what show() puts on the page, and what the composed figures draw."""

import re
import xml.etree.ElementTree as ET

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from replearn.plotting import (
    LINE_STYLES,
    PALETTE,
    curves,
    filters,
    image_grid,
    new_figure,
    show,
)

ALT = "The curve rises from zero to one."


@pytest.fixture(autouse=True)
def no_figure_left_open():
    yield
    plt.close("all")


def line_figure(**options):
    fig, ax = new_figure(**options)
    ax.plot([0, 1], [0, 1], marker="o")
    ax.set(xlabel="x", title="Rising")
    return fig


def contrast(one, other):
    """WCAG 2.2 contrast ratio of two colours."""

    def luminance(color):
        channels = np.array(to_rgb(color))
        linear = np.where(
            channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        return linear @ [0.2126, 0.7152, 0.0722]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", ["#ffffff", "#14181e", "#121212"])
@pytest.mark.parametrize("color", PALETTE)
def test_every_colour_stands_out_on_both_grounds(color, ground):
    assert contrast(color, ground) >= 3.0


def test_colours_and_line_styles_are_distinct():
    assert len(set(PALETTE)) == len(PALETTE) == len(LINE_STYLES) == len(set(LINE_STYLES))
    for index, one in enumerate(PALETTE):
        for other in PALETTE[:index]:
            assert np.abs(np.subtract(to_rgb(one), to_rgb(other))).max() > 0.15


def test_the_page_gets_a_labelled_figure_that_takes_the_pages_ink():
    shown = show(line_figure(), alt='Rises & "stays" < 1 here.', caption="From <0> & up.")
    html = shown._repr_html_()
    figure = ET.fromstring(html)  # well formed
    assert figure.get("class") == "replearn-figure"
    svg = figure.find("div/{http://www.w3.org/2000/svg}svg")
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == 'Rises & "stays" < 1 here.'
    assert svg.find("{http://www.w3.org/2000/svg}title").text == 'Rises & "stays" < 1 here.'
    assert figure.find("figcaption").text == "From <0> & up."
    assert "stroke: currentColor" in html
    assert "fill:currentColor" in svg.get("style")  # for text, whose black matplotlib leaves out
    assert "#000000" not in html
    assert not re.search(r"fill: #ffffff|fill: white", html)
    for absent in ("<metadata", "<style", "<!--", "<?xml", "<!DOCTYPE", "\n\n"):
        assert absent not in html
    assert plt.get_fignums() == []
    assert repr(shown) == '<figure: Rises & "stays" < 1 here.>'


def test_without_a_caption_there_is_no_figcaption():
    assert "figcaption" not in show(line_figure(), alt=ALT).html


def test_the_same_figure_gives_the_same_bytes_and_another_one_other_ids():
    first, second = show(line_figure(), alt=ALT), show(line_figure(), alt=ALT)
    assert first == second
    other = show(line_figure(), alt=ALT + " Twice.")
    ids, other_ids = (set(re.findall(r' id="([^"]+)"', shown.html)) for shown in (first, other))
    assert ids
    assert not ids & other_ids
    targets = re.findall(r'(?:url\(#|href="#)([^)"]+)', first.html)
    assert ids == set(targets)


def test_a_wide_figure_scrolls_when_its_text_would_be_too_small_and_a_narrow_one_does_not():
    wide = show(line_figure(width=7.2), alt=ALT).html
    narrow = show(line_figure(width=3.5), alt=ALT).html
    assert 'tabindex="0"' in wide
    assert 'tabindex="0"' not in narrow
    # 10 pt text of a 7.2 inch (691 px) figure is 13.33 px high: 10 px are reached at 518 px.
    assert "width:691px" in wide
    assert "min-width:518px" in wide
    fig, ax = new_figure(width=7.2)
    ax.axis("off")
    assert "min-width:0px" in show(fig, alt=ALT).html


def test_a_white_legend_frame_becomes_transparent():
    fig = line_figure()
    fig.axes[0].legend(["a"], facecolor="white", framealpha=1.0)
    fig.legend(["b"], facecolor="white")
    assert not re.search(r"fill: (#ffffff|white)", show(fig, alt=ALT).html)


@pytest.mark.parametrize("alt", ["", "   ", "a figure", None])
def test_alternative_text_must_be_a_sentence(alt):
    with pytest.raises(ValueError, match=r"alt: got .*, want a sentence of at least four words"):
        show(line_figure(), alt=alt)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"caption": 3}, "caption: got 3, want a text or None"),
        ({"caption": "  "}, "caption: got '  ', want a text"),
        ({"conclusions": "a-below-b"}, "conclusions: got the text 'a-below-b', want a list"),
        ({"conclusions": ["A b"]}, "conclusions: got 'A b', want lower-case words"),
    ],
)
def test_what_the_page_could_not_show_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        show(line_figure(), alt=ALT, **options)


def test_conclusions_may_come_from_any_iterable():
    shown = show(line_figure(), alt=ALT, conclusions=iter(["a-below-b", "b-below-c"]))
    assert 'data-conclusions="a-below-b b-below-c"' in shown.html


@pytest.mark.parametrize(
    "values",
    [
        np.arange(8).reshape(2, 2, 2),
        [[1, 2, 3], [4, 5, 6]],
        "123",
        ["1", "2"],
        None,
        np.ma.array([1.0, 99.0], mask=[0, 1]),
    ],
    ids=["three dimensions", "two rows", "text", "texts", "None", "masked"],
)
def test_a_curve_is_one_row_of_numbers(values):
    with pytest.raises(ValueError, match=r"series\['a'\]: got"):
        curves({"a": values})


def test_new_figure_has_the_books_style_and_leaves_matplotlibs_alone():
    before = plt.rcParams.copy()
    fig, axes = new_figure(2, 3)
    assert plt.rcParams == before
    assert axes.shape == (3, 2)
    assert fig.get_size_inches() == pytest.approx([7.2, 8.7])
    assert not axes[0, 0].spines["top"].get_visible()
    (line,) = axes[0, 0].plot([1, 2])
    assert line.get_color() == PALETTE[0]
    _, ax = new_figure()
    assert ax.figure.get_size_inches() == pytest.approx([4.6, 2.9])
    assert new_figure(width=3, height=2)[0].get_size_inches() == pytest.approx([3, 2])


@pytest.mark.parametrize("wrong", [{"ncols": 0}, {"nrows": 0}, {"width": 0}, {"height": -1.0}])
def test_new_figure_refuses_sizes_that_are_not_positive(wrong):
    with pytest.raises(ValueError, match="want positive numbers"):
        new_figure(**wrong)


def picture(ax):
    (image,) = ax.get_images()
    return image


def test_image_grid_places_tiles_in_rows_with_transparent_gaps():
    tiles = torch.arange(3.0)[:, None, None].expand(3, 2, 2) / 2
    fig, ax = image_grid(tiles, ncols=2, row_labels=["one", "two"], title="Three")
    array = np.ma.filled(picture(ax).get_array(), np.nan)
    gap = np.nan
    expected = [
        [0, 0, gap, 0.5, 0.5],
        [0, 0, gap, 0.5, 0.5],
        [gap] * 5,
        [1, 1, gap, gap, gap],
        [1, 1, gap, gap, gap],
    ]
    np.testing.assert_array_equal(array, expected)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "two"]
    assert ax.get_title() == "Three"
    assert picture(ax).get_clim() == (0.0, 1.0)
    assert "image/png" in show(fig, alt=ALT).html


def test_labels_of_many_rows_are_not_cut_off():
    names = ["contractive", "plain", "local PCA"] * 3
    fig, _ = image_grid(torch.zeros(72, 9, 9), ncols=8, row_labels=names)
    fig.draw_without_rendering()
    assert fig.get_tightbbox().x0 < -0.005  # what show has to mend
    show(fig, alt=ALT)
    fig.draw_without_rendering()
    assert fig.get_tightbbox().x0 >= -0.005


def test_image_grid_takes_flat_images_limits_and_given_axes():
    X = torch.linspace(-1, 2, 24).reshape(2, 12)
    fig, axes = new_figure(2)
    same_fig, ax = image_grid(X, (3, 4), limits=None, ax=axes[1])
    assert same_fig is fig
    assert ax is axes[1]
    assert picture(ax).get_clim() == (-1.0, 2.0)
    assert picture(ax).get_array().shape == (3, 9)
    _, ax = image_grid(np.zeros((25, 4, 4)))
    assert picture(ax).get_array().shape == (3 * 5 - 1, 10 * 5 - 1)


@pytest.mark.parametrize(
    ("images", "shape"),
    [(torch.ones(2, 12), None), (torch.ones(2, 12), (3, 3)), (torch.ones(2, 3, 4), (4, 3)),
     (torch.ones(12), (3, 4)), (torch.ones(0, 3, 4), None)],
)  # fmt: skip
def test_image_grid_names_the_wrong_shape(images, shape):
    with pytest.raises(ValueError, match=r"images: got shape .* want \(k, h, w\)"):
        image_grid(images, shape)


def test_image_grid_refuses_other_counts():
    with pytest.raises(ValueError, match="row_labels: got 1 texts, want one for each of the 2"):
        image_grid(torch.ones(4, 2, 2), ncols=2, row_labels=["a"])
    with pytest.raises(ValueError, match="ncols: got 0"):
        image_grid(torch.ones(4, 2, 2), ncols=0)


def test_filters_are_scaled_alone_or_together_around_zero():
    W = torch.tensor([[1.0, -2.0], [0.5, 0.0], [0.0, 0.0]], requires_grad=True)
    alone = np.ma.filled(picture(filters(W, (1, 2))[1]).get_array(), np.nan)
    np.testing.assert_array_equal(alone, [[0.5, -1, np.nan, 1, 0, np.nan, 0, 0]])
    image = picture(filters(W, (1, 2), shared=True)[1])
    np.testing.assert_array_equal(
        np.ma.filled(image.get_array(), np.nan), [[0.5, -1, np.nan, 0.25, 0, np.nan, 0, 0]]
    )
    assert image.get_clim() == (-1.0, 1.0)
    with pytest.raises(ValueError, match="W: got shape"):
        filters(W)


def names(ax):
    return {text.get_text(): text.xy[1] for text in ax.texts}


def test_curves_draw_each_series_with_its_name_at_its_end():
    series = {"up": torch.tensor([0.0, 1.0, 2.0]), "down": ([1, 2, 3], [2.0, 1.0, 0.5])}
    _, ax = curves(series, xlabel="step", ylabel="error", title="Both", marker="o")
    up, down = (line for line in ax.get_lines() if line.get_label() in series)
    np.testing.assert_array_equal(up.get_xdata(), [0, 1, 2])
    np.testing.assert_array_equal(down.get_xdata(), [1, 2, 3])
    assert (up.get_color(), down.get_color()) == PALETTE[:2]
    assert (up.get_linestyle(), down.get_linestyle()) == ("-", "--")
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("step", "error", "Both")
    at = names(ax)
    top = ax.transAxes.inverted().transform(ax.transData.transform((0, 2.0)))[1]
    assert at["up"] == pytest.approx(top)
    assert at["down"] < at["up"]


@pytest.mark.parametrize("end", [0.0, 0.5, 1.0])
def test_names_of_curves_that_end_together_keep_apart(end):
    series = {f"curve {k}": [k % 2, end] for k in range(6)}
    _, ax = curves(series)
    at = np.sort(list(names(ax).values()))
    assert len(at) == 6
    assert (np.diff(at) > 0.05).all()
    assert at.max() <= 1.0


def test_logarithmic_axes_legend_and_given_axes():
    _, axes = new_figure(2)
    fig, ax = curves(
        {"a": [1.0, 0.1], "gone": [1.0, 0.0], "empty": []}, logx=True, logy=True, ax=axes[0]
    )
    assert fig is axes[0].figure
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert set(names(ax)) == {"a", "gone"}
    _, ax = curves({"a": [1.0, 2.0]}, labels="legend", ax=axes[1])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a"]
    _, ax = curves({"a": [1.0, 2.0]}, labels="none")
    assert not ax.texts
    assert ax.get_legend() is None
    _, ax = curves({"a": []})
    assert not ax.texts


def drawn_dashes(line):
    """Lengths of the dashes and dots of a line on the page, in points."""
    ends = line.get_transform().transform(line.get_xydata())
    length = float(np.ptp(ends[:, 0])) / line.get_figure().dpi * 72
    _, pattern = line._dash_pattern  # as matplotlib scales it with the line's width
    if pattern is None:
        return [length]
    at, dashes = 0.0, []
    for index in range(100):
        if at < length and index % 2 == 0:
            dashes.append(min(pattern[index % len(pattern)], length - at))
        at += pattern[index % len(pattern)]
    return dashes


@pytest.mark.parametrize("labels", ["direct", "legend"])
@pytest.mark.parametrize("ncols", [1, 3])
def test_beside_a_name_the_whole_pattern_of_its_curve_is_drawn(labels, ncols):
    series = {f"with a long name, {k}": [0.0, k] for k in range(7)}
    fig, axes = new_figure(ncols, width=9.0)
    axes = np.atleast_1d(axes)
    for ax in axes:
        curves(series, labels=labels, marker="o", ax=ax)
    fig.draw_without_rendering()  # the layout makes the axes narrower
    lines = axes[0].get_lines()
    shown = axes[0].get_legend().get_lines() if labels == "legend" else lines[7:]
    assert len(shown) == 7
    for line, style in zip(sorted(shown, key=lambda one: PALETTE.index(one.get_color())),
                           LINE_STYLES, strict=True):  # fmt: skip
        assert line.get_linewidth() == lines[0].get_linewidth()
        dashes = drawn_dashes(line)
        period = 1 if style in ("-", "--", ":") else 2 if style == "-." else len(style[1]) // 2
        assert len(dashes) >= period + (style != "-")
        # The last one is cut, and must not look like a mark of another kind.
        assert dashes[-1] >= 0.4 * dashes[(len(dashes) - 1) % period]


def test_curves_refusals():
    with pytest.raises(ValueError, match="series: got no curve"):
        curves({})
    with pytest.raises(ValueError, match=r"series\['a'\]: got 2 x and 3 y"):
        curves({"a": ([1, 2], [1, 2, 3])})
    with pytest.raises(ValueError, match="labels: got 'beside'"):
        curves({"a": [1]}, labels="beside")
    with pytest.raises(ValueError, match="series: got list, want a dict of names"):
        curves([1, 2, 3])
    with pytest.raises(
        ValueError, match=r"series\['a'\]: got a tuple of 3, want a list y or a pair"
    ):
        curves({"a": (1, 2, 3)})
    with pytest.raises(ValueError, match=r"series\['a'\]: got str that is no array of numbers"):
        curves({"a": "abc"})
    for wrong in ({"a": [0, -1]}, {"a": []}, {"a": [np.nan]}):
        with pytest.raises(ValueError, match="series: got no positive y, want some for logy=True"):
            curves(wrong, logy=True)
    with pytest.raises(ValueError, match="series: got no positive x, want some for logx=True"):
        curves({"a": [1]}, logx=True)
    assert plt.get_fignums() == []


def test_a_logarithmic_axis_needs_one_positive_value_only():
    _, ax = curves({"a": [1, 0], "b": [0, 0]}, logy=True, labels="none")
    assert ax.get_yscale() == "log"
    assert [len(line.get_xdata()) for line in ax.get_lines()] == [2, 2]


def test_images_and_limits_that_cannot_be_shown_are_refused():
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="images: got NaN or infinite values, want finite"):
            image_grid(torch.full((1, 2, 2), bad))
    for limits in ((1, 0), (0.5, 0.5), (0, np.nan), (0, 1, 2)):
        with pytest.raises(ValueError, match=r"limits: got .*, want \(low, high\) with low < high"):
            image_grid(torch.ones(1, 2, 2), limits=limits)
    image_grid(torch.ones(1, 2, 2), limits=None)
    with pytest.raises(ValueError, match="W: got str that is no array of numbers, want a tensor"):
        filters("abc")
    with pytest.raises(ValueError, match="W: got NaN or infinite values"):
        filters(torch.full((1, 2, 2), np.nan))


def test_show_wants_a_figure():
    with pytest.raises(ValueError, match="fig: got int, want a matplotlib figure"):
        show(3, alt=ALT)
