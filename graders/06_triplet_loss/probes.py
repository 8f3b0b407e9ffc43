"""Questions about triplet losses. No hinge sits on its edge except where the brief says what then happens."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from torch import Tensor, nn

from cvlab.probing import (
    activation_statistics,
    gradients_of,
    integers,
    raised_by,
    run_seed,
    scenes,
    seeded,
    stacked,
    state_of,
    traces_of,
    train,
    uniform,
    weighted_sum,
)

#: Four rows of one class, three of another, and two classes of a single row, in no order: 96 valid triplets.
LABELS = (7, 2, 7, 5, 2, 7, 2, 7, 11)
ROWS, WIDTH = len(LABELS), 5
MARGIN = 0.9


def _labels(*labels):
    return torch.tensor(labels or LABELS, dtype=torch.int64)


def _rows(dtype=torch.float64, count=ROWS, mean=0.3, std=1.0):
    return seeded(count, WIDTH, mean=mean, std=std, dtype=dtype)  # (B, 5)


def _quarters(*shape, dtype=torch.float64, most=6):
    """Multiples of 1/4: sums and products of them are exact in float32 already, whichever formula adds them up."""
    return integers(*shape, low=-most, high=most + 1).to(dtype) / 4


def _line(*points, dtype=torch.float64):
    return torch.tensor(points, dtype=dtype)[:, None]  # (B, 1)


def _between(d):
    """Distances between different rows alone: what rounding leaves on the diagonal is asked for by `diagonals`."""
    return d[~torch.eye(len(d), dtype=torch.bool)].reshape(len(d), -1)  # (B, B-1)


def _form(value):
    if not isinstance(value, Tensor):
        return f"no tensor: {type(value).__name__}"
    return f"tensor of shape {tuple(value.shape)}, {value.dtype}"


def _with_gradients(loss, **inputs):
    """The loss and its gradients; a loss that is no tensor, or hangs in no graph, gives no gradient."""
    if not isinstance(loss, Tensor):
        return {"loss": loss, "gradient": dict.fromkeys(inputs)}
    return {"loss": loss, "gradient": gradients_of(loss, inputs)}


def _losses(solution, e, labels, **margin):
    """The two losses that a batch has, and the fraction."""
    loss, fraction = solution.batch_all(e, labels, **margin)
    return {"batch_all": loss, "batch_all's fraction": fraction, "batch_hard": solution.batch_hard(e, labels, **margin)}


# -------------------------------------------------------------------------------------------------------------- shapes


def forms(solution):
    """The shape and dtype of what every function returns, in float32 and float64."""
    answer = {}
    for dtype in (torch.float32, torch.float64):
        e, labels = _rows(dtype), _labels()
        a, p, n = (_rows(dtype, 4) for _ in range(3))
        loss, fraction = solution.batch_all(e, labels)
        answer[str(dtype)] = {
            "pairwise_distance": _form(solution.pairwise_distance(e)),
            "triplet_loss": _form(solution.triplet_loss(a, p, n)),
            "triplet_kind": _form(solution.triplet_kind(a[:, 0].abs(), p[:, 0].abs(), 0.2)),
            "batch_all's loss": _form(loss),
            "batch_all's fraction": _form(fraction),
            "batch_hard": _form(solution.batch_hard(e, labels)),
        }
    return answer


def form_of_triplets(solution):
    """The columns and the dtype of semi_hard_triplets, of its first row, and where there is no triplet."""
    some = solution.semi_hard_triplets(_rows(), _labels(), 4.0)
    none = solution.semi_hard_triplets(_line(0.0, 0.25, 9.0, 9.5), _labels(0, 0, 1, 1))
    return {"the first row": _form(some[:1]), "no row": _form(none)}


# -------------------------------------------------------------------------------------------------------------- parity


def triangle(solution):
    """The distances between the corners of a triangle with sides 3, 4 and 5."""
    return solution.pairwise_distance(torch.tensor([[1.0, 1.0], [4.0, 1.0], [4.0, 5.0]]))


def two_triplets_on_paper(solution):
    """The loss of two triplets on a line: one with distances 1 and 3, one with 2 and 1.5, at margin 1."""
    anchor, positive, negative = _line(0.0, 0.0), _line(1.0, -2.0), _line(-3.0, 1.5)
    return solution.triplet_loss(anchor, positive, negative, 1.0)


def three_kinds_on_paper(solution):
    """The kinds of triplets whose positive is at distance 1 and whose negative is at 3, 1.25 and 0.5, at margin 1."""
    return solution.triplet_kind(torch.ones(3), torch.tensor([3.0, 1.25, 0.5]), 1.0)


def five_rows_on_paper(solution):
    """What a batch on a line gives: class 0 at 0 and 1, class 1 at 1.5 and 4, class 2 at 10, at margin 1."""
    e, labels = _line(0.0, 1.0, 1.5, 4.0, 10.0), _labels(0, 0, 1, 1, 2)
    answer = _losses(solution, e, labels, margin=1.0)
    return {**answer, "semi_hard_triplets": solution.semi_hard_triplets(e, labels, 1.0)}


def distances(solution):
    """The distances between different rows in float64: few, many, of one number, far from the origin, and tiny."""
    return {
        name: _between(solution.pairwise_distance(rows))
        for name, rows in {
            "7 rows": _rows(count=7),
            "30 rows": _rows(count=30),
            "2 rows": _rows(count=2),
            "6 rows of 1": seeded(6, 1, dtype=torch.float64),
            "3 rows of 130": seeded(3, 130, dtype=torch.float64),
            "near 300": _rows(count=7, mean=300.0),
            "close together": _rows(count=7, mean=0.0, std=1e-5),
        }.items()
    }


def diagonals(solution):
    """Whether distances are exactly 0: of 1, 20, 30 and 60 rows of 33 numbers to themselves, and of equal rows."""
    answer = {}
    d = solution.pairwise_distance(_with_duplicates())
    answer["two pairs of equal rows"] = "all 0" if (d[[0, 2, 1, 3], [2, 0, 3, 1]] == 0).all() else "not all 0"
    for count in (1, 20, 30, 60):
        d = solution.pairwise_distance(seeded(count, 33, std=20.0, dtype=torch.float64)).diagonal()
        answer[f"{count} rows"] = "all 0" if (d == 0).all() else "not finite" if not d.isfinite().all() else "not all 0"
    return answer


def losses_of_triplets(solution):
    """The losses of random triplets in float64, with the usual margin and with others, many at once and one alone."""
    a, p, n = (_rows(count=6) for _ in range(3))
    one, other, third = (_rows(count=1) for _ in range(3))
    return {
        "no margin given": solution.triplet_loss(a, p, n),
        "margin 0.9": solution.triplet_loss(a, p, n, 0.9),
        "margin=3": solution.triplet_loss(a, p, n, margin=3),
        "one row": solution.triplet_loss(one, other, third, 7.5),
        "one hard row": solution.triplet_loss(one, one + 2.0, one - 0.5),
        "near 300": solution.triplet_loss(a + 300.0, p + 300.0, n + 300.0, 5.0),
    }


def kinds(solution):
    """The kinds of random triplets, as a row and as a table, with small and large margins."""
    d_ap, d_an = (uniform(40, low=0.1, high=3.0, dtype=torch.float64) for _ in range(2))
    table = [uniform(6, 7, high=2.0) for _ in range(2)]
    return {
        "a row": solution.triplet_kind(d_ap, d_an, 0.5),
        "margin=0.05": solution.triplet_kind(d_ap, d_an, margin=0.05),
        "margin=2": solution.triplet_kind(d_ap, d_an, margin=2),
        "a table": solution.triplet_kind(*table, 0.4),
        "a single one": solution.triplet_kind(d_ap[:1], d_an[:1], 0.4),
        "no dimensions": solution.triplet_kind(d_ap[0], d_an[1], 0.4),
    }


def losses_of_all(solution):
    """The batch-all losses of random batches in float64, with the usual margin and with others."""
    e, labels = _rows(), _labels()
    return {
        "no margin given": solution.batch_all(e, labels)[0],
        "margin 0.9": solution.batch_all(e, labels, 0.9)[0],
        "margin=3": solution.batch_all(e, labels, margin=3)[0],
        "near 300": solution.batch_all(_rows(mean=300.0), labels, MARGIN)[0],
        "sorted": solution.batch_all(_rows(count=6), _labels(0, 0, 0, 1, 1, 4), MARGIN)[0],
        "as few as can be": solution.batch_all(_rows(count=3), _labels(1, 0, 1), 4.0)[0],
    }


def fractions(solution):
    """The fractions of active triplets of random batches, in float64 and in float32."""
    e, labels = _rows(), _labels()
    quarters = _quarters(ROWS, 4, dtype=torch.float32)
    return {
        "no margin given": solution.batch_all(e, labels)[1],
        "margin 0.9": solution.batch_all(e, labels, 0.9)[1],
        "all active": solution.batch_all(e, labels, 100.0)[1],
        "as few as can be": solution.batch_all(_rows(count=3), _labels(1, 0, 1), 4.0)[1],
        "float32": solution.batch_all(quarters, labels, 0.3)[1],
        "one of three": _a_third(solution),
    }


def _a_third(solution):
    return solution.batch_all(_line(0.0, 9.0, 1.0, -2.0, 30.0), _labels(0, 1, 0, 2, 3), 2.25)[1]


def digits_of_the_fraction(solution):
    """Whether a third of the triplets, in float64, is right as far as float64 goes, or as float32, or not at all.

    Divided in float32 it is off by 1e-8. With 1e-8 added to the count of six, against a division by 0, it is off by
    6e-10, and right enough.
    """
    off = abs(float(_a_third(solution)) - 1 / 3)
    return "right" if off < 3e-9 else "rounded" if off < 1e-6 else "wrong"


def losses_of_hardest(solution):
    """The batch-hard losses of random batches in float64, with the usual margin and with others."""
    e, labels = _rows(), _labels()
    return {
        "no margin given": solution.batch_hard(e, labels),
        "margin 0.9": solution.batch_hard(e, labels, 0.9),
        "margin=3": solution.batch_hard(e, labels, margin=3),
        "near 300": solution.batch_hard(_rows(mean=300.0), labels, MARGIN),
        "sorted": solution.batch_hard(_rows(count=6), _labels(0, 0, 0, 1, 1, 4), MARGIN),
        "as few as can be": solution.batch_hard(_rows(count=3), _labels(1, 0, 1), 4.0),
        "some easy": solution.batch_hard(_line(0.0, 1.0, 3.0, 5.5, 20.0, 22.0), _labels(0, 0, 1, 1, 2, 2), 1.25),
    }


def semi_hard(solution):
    """The semi-hard triplets of random batches in float64, with the usual margin and with others."""
    e, labels = _rows(std=0.7), _labels()
    return {
        "no margin given": solution.semi_hard_triplets(e, labels),
        "margin 0.5": solution.semi_hard_triplets(e, labels, 0.5),
        "margin=4": solution.semi_hard_triplets(e, labels, margin=4),
        "near 300": solution.semi_hard_triplets(_rows(mean=300.0), labels, MARGIN),
        "sorted": solution.semi_hard_triplets(_rows(count=6), _labels(0, 0, 0, 1, 1, 4), 2.0),
        "as few as can be": solution.semi_hard_triplets(_line(0.0, 3.0, 1.0), _labels(1, 0, 1), 4.0),
    }


def many_rows(solution):
    """What a batch of 24 rows of three classes gives: 2688 valid triplets."""
    e, labels = _rows(count=24), _labels(4, 0, 9).repeat(8)
    return {
        **_losses(solution, e, labels, margin=MARGIN),
        "semi_hard_triplets": solution.semi_hard_triplets(e, labels, MARGIN),
    }


def in_float32(solution):
    """What everything gives in float32, for rows whose coordinates are multiples of a quarter."""
    e, labels = _quarters(ROWS, 4, dtype=torch.float32), _labels()
    a, p, n = (_quarters(6, 4, dtype=torch.float32) for _ in range(3))
    return {
        "pairwise_distance": solution.pairwise_distance(e),
        "triplet_loss": solution.triplet_loss(a, p, n, 0.7),
        **_losses(solution, e, labels, margin=0.3),
        "semi_hard_triplets": solution.semi_hard_triplets(e, labels, 0.3),
    }


def large_margins(solution):
    """What a margin of about a thousand leaves of a distance that is nearly as large, in float64."""
    margin = 1000.1
    near = [uniform(1, low=0.05, high=0.1, dtype=torch.float64) for _ in range(2)]
    e = torch.stack([near[0], torch.full_like(near[0], 1000.0), -near[1]])  # (3, 1): anchor, negative, positive
    return {
        "triplet_loss": solution.triplet_loss(e[:1], e[2:], e[1:2], margin),
        **_losses(solution, e, _labels(4, 6, 4), margin=margin),
    }


def large_embeddings(solution):
    """What everything gives for embeddings of which coordinates are in the hundreds."""
    e, labels = _rows(std=300.0), _labels()
    a, p, n = (_rows(count=6, std=300.0) for _ in range(3))
    return {
        "triplet_loss": solution.triplet_loss(a, p, n, 20.0),
        **_losses(solution, e, labels, margin=20.0),
        "semi_hard_triplets": solution.semi_hard_triplets(e, labels, 100.0),
    }


# ----------------------------------------------------------------------------------------------------------- gradients


def gradients_of_distances(solution):
    """The gradient of a weighted sum of the distances between different rows, for 7 and for 30 random rows."""
    answer = {}
    for count in (7, 30):
        e = _rows(count=count).requires_grad_()
        answer[f"{count} rows"] = gradients_of(weighted_sum(_between(solution.pairwise_distance(e))), {"embeddings": e})
    return answer


def gradients_of_triplets(solution):
    """The gradients of triplet_loss for anchor, positive and negative."""
    answer = {}
    for margin in (0.2, 3.0):
        a, p, n = (_rows(count=6).requires_grad_() for _ in range(3))
        loss = solution.triplet_loss(a, p, n, margin)
        answer[f"margin {margin}"] = _with_gradients(loss, anchor=a, positive=p, negative=n)
    return answer


def gradients_of_batches(solution):
    """The gradients of the embeddings under batch_all and batch_hard, also where the only negative is farthest."""
    answer = {}
    for margin in (0.2, 3.0):
        e = _rows().requires_grad_()
        answer[f"batch_all, margin {margin}"] = _with_gradients(
            solution.batch_all(e, _labels(), margin)[0], embeddings=e
        )
        answer[f"batch_hard, margin {margin}"] = _with_gradients(
            solution.batch_hard(e, _labels(), margin), embeddings=e
        )
    # The only negative is farther from either anchor than any row, and stands last: it must not lose to a masked entry.
    e = _line(0.0, -1.0, 3.0).requires_grad_()
    answer["batch_hard, three rows"] = _with_gradients(solution.batch_hard(e, _labels(1, 1, 0), 8.0), embeddings=e)
    return answer


def _with_duplicates(dtype=torch.float64):
    """Nine rows, of which 0 and 2 are equal and of one class, 1 and 3 are equal and of two."""
    e = _quarters(ROWS, 4, dtype=dtype)
    e[2], e[3] = e[0], e[1]
    return e


def gradients_at_distance_zero(solution):
    """The gradients of the distances between equal rows."""
    answer = {}
    for dtype in (torch.float64, torch.float32):
        e = _with_duplicates(dtype).requires_grad_()
        d = solution.pairwise_distance(e)
        wanted = {"0 to 2": d[0, 2], "3 to 1": d[3, 1], "4 to 4": d[4, 4], "all": d.sum()}
        answer[str(dtype)] = {
            name: [scalar, torch.autograd.grad(scalar, e, retain_graph=True)[0]] for name, scalar in wanted.items()
        }
    return answer


def triplets_at_distance_zero(solution):
    """Loss and gradients of triplets whose positive, negative, or both are the anchor itself."""
    rows = _quarters(3, 4)
    rows[:, 0] += torch.tensor([0.0, 4.0, 8.0], dtype=rows.dtype)  # three different points
    answer = {}
    for name, (i, j, k) in {"positive": (0, 0, 1), "negative": (0, 1, 0), "both": (2, 2, 2)}.items():
        a, p, n = (rows[[row]].clone().requires_grad_() for row in (i, j, k))
        answer[name] = _with_gradients(solution.triplet_loss(a, p, n, 30.0), anchor=a, positive=p, negative=n)
    return answer


def batches_with_duplicates(solution):
    """Losses of batches in which rows occur twice, the gradient under batch_all, and whether batch_hard's is finite."""
    answer = {}
    for name, dtype in (("float64", torch.float64), ("float32", torch.float32)):
        e, labels = _with_duplicates(dtype).requires_grad_(), _labels()
        alike = torch.ones(4, 3, dtype=dtype, requires_grad=True)  # all distances are 0
        all_of = _with_gradients(solution.batch_all(e, labels, 0.3)[0], embeddings=e)
        collapsed = _with_gradients(solution.batch_all(alike, _labels(0, 0, 1, 1), 0.3)[0], embeddings=alike)
        hard = [
            _with_gradients(solution.batch_hard(e, labels, 0.3), embeddings=e),
            _with_gradients(solution.batch_hard(alike, _labels(0, 0, 1, 1), 0.3), embeddings=alike),
        ]
        answer[name] = {
            "batch_all": all_of,
            "batch_all, all rows equal": collapsed,
            "batch_hard": [one["loss"] for one in hard],
            "batch_hard, gradient is finite": [_is_finite(one["gradient"]["embeddings"]) for one in hard],
            "semi_hard_triplets": solution.semi_hard_triplets(e, labels, 0.3),
        }
    return answer


def _is_finite(gradient):
    return gradient is not None and bool(gradient.isfinite().all())


def pull_and_push(solution):
    """How far a small step downhill takes a hard triplet's positive towards its anchor, its negative away from it."""
    a = _rows(count=1)
    p, n = a + 1.0 + uniform(1, WIDTH, dtype=a.dtype), a - 0.2 - 0.2 * uniform(1, WIDTH, dtype=a.dtype)
    a, p, n = (row.requires_grad_() for row in (a, p, n))
    loss = solution.triplet_loss(a, p, n)
    found = gradients_of(loss, {"positive": p, "negative": n})
    downhill = {name: torch.zeros_like(a) if slope is None else -slope for name, slope in found.items()}
    return {
        "pull": (downhill["positive"] * (a - p)).sum().item(),
        "push": (downhill["negative"] * (n - a)).sum().item(),
    }


def gradients_of_easy_triplets(solution):
    """The gradients of triplets whose negatives are far enough: of triplet_loss alone, and among a hard one."""
    a, p = _rows(count=3), _rows(count=3)
    n = a + 40.0 + uniform(3, WIDTH, dtype=a.dtype)
    answer = {}
    for name, row in (("all easy", 0), ("the last one hard", -1)):
        negative = n.clone()
        if row:
            negative[row] = a[row] + 0.01
        inputs = {"anchor": a.clone(), "positive": p.clone(), "negative": negative}
        for value in inputs.values():
            value.requires_grad_()
        answer[name] = _with_gradients(solution.triplet_loss(*inputs.values()), **inputs)
    return answer


# ---------------------------------------------------------------------------------------------------------- invariants


def moved(solution):
    """Losses and triplets of a batch, of the batch moved elsewhere, and of the batch mirrored."""
    e, labels, axis = _rows(), _labels(), seeded(WIDTH, dtype=torch.float64)
    shift = seeded(WIDTH, std=10.0, dtype=torch.float64)
    mirrored = e - 2 * (e @ axis)[:, None] * axis / (axis @ axis)  # a Householder reflection
    return {
        name: {
            **_losses(solution, rows, labels, margin=MARGIN),
            "semi_hard_triplets": solution.semi_hard_triplets(rows, labels, MARGIN),
            "triplet_loss": solution.triplet_loss(rows[:3], rows[3:6], rows[6:], MARGIN),
        }
        for name, rows in (("as it is", e), ("moved", e + shift), ("mirrored", mirrored))
    }


def renamed(solution):
    """Losses and triplets of a batch, and of the same batch when its classes have other numbers."""
    e = _rows()
    names = {7: 0, 2: 256, 5: 3, 11: 1}  # two of them the same in eight bits
    return {
        name: {
            **_losses(solution, e, labels, margin=MARGIN),
            "semi_hard_triplets": solution.semi_hard_triplets(e, labels, MARGIN),
        }
        for name, labels in (("as it is", _labels()), ("renamed", _labels(*(names[label] for label in LABELS))))
    }


def shuffled(solution):
    """Losses of a batch, and of the same batch in another order."""
    e, labels = _rows(), _labels()
    order = uniform(ROWS).argsort()
    return {
        "as it is": _losses(solution, e, labels, margin=MARGIN),
        "shuffled": _losses(solution, e[order], labels[order], margin=MARGIN),
    }


def scaled(solution):
    """Losses of a batch, and a third of those of a batch three times as large with three times the margin."""
    e, labels = _rows(), _labels()
    a, p, n = e[:3], e[3:6], e[6:]

    def losses(factor):
        loss, fraction = solution.batch_all(factor * e, labels, factor * MARGIN)
        hard = solution.batch_hard(factor * e, labels, factor * MARGIN)
        given = solution.triplet_loss(factor * a, factor * p, factor * n, factor * MARGIN)
        found = {"batch_all": loss, "batch_hard": hard, "triplet_loss": given}
        return {"batch_all's fraction": fraction, **{name: value / factor for name, value in found.items()}}

    return {"as it is": losses(1.0), "three times as large": losses(3.0)}


def kinds_and_losses(solution):
    """The kinds of 24 triplets, and the loss of each, at margin 0.5."""
    a, direction = _rows(count=24), F.normalize(seeded(24, WIDTH, dtype=torch.float64))
    d_ap = uniform(24, 1, low=0.5, high=1.0, dtype=a.dtype)
    further = torch.tensor([-0.3, 0.05, 0.45, 0.8], dtype=a.dtype).repeat(6)[:, None]  # two of four inside the margin
    p, n = a - d_ap * direction, a + (d_ap + further) * direction
    distance = [torch.linalg.vector_norm(a - other, dim=1) for other in (p, n)]
    return {
        "kinds": solution.triplet_kind(*distance, 0.5),
        "losses": [solution.triplet_loss(a[[i]], p[[i]], n[[i]], 0.5).item() for i in range(24)],
    }


def more_rows(solution):
    """The distances between four rows, and those between the same four among nine."""
    e = _rows()
    return [_between(solution.pairwise_distance(e[:4])), _between(solution.pairwise_distance(e)[:4, :4])]


def untouched_inputs(solution):
    """Whether embeddings, labels and distances are what they were, and in their graph, after every function."""
    e, labels = _rows(mean=1.0), _labels()
    a, p, n = (_rows(count=4, mean=1.0) for _ in range(3))
    d = [uniform(5, dtype=torch.float64) for _ in range(2)]
    questions = {
        "pairwise_distance": (solution.pairwise_distance, (e,)),
        "triplet_loss": (solution.triplet_loss, (a, p, n)),
        "triplet_kind": (lambda *pair: solution.triplet_kind(*pair, 0.2), d),
        "batch_all": (solution.batch_all, (e, labels)),
        "batch_hard": (solution.batch_hard, (e, labels)),
        "semi_hard_triplets": (solution.semi_hard_triplets, (e, labels)),
    }
    answer = {}
    for name, (function, arguments) in questions.items():
        handed = [argument.clone() for argument in arguments]
        function(*handed)
        answer[name] = all(torch.equal(one, other) for one, other in zip(handed, arguments, strict=True))
        attached = [x.clone().requires_grad_() if x.is_floating_point() else x.clone() for x in arguments]
        handed = [x * 1 for x in attached]  # not a leaf, as the embeddings of a network are none
        function(*handed)
        answer[f"{name}, graph"] = all(
            one.requires_grad == x.requires_grad for one, x in zip(handed, attached, strict=True)
        )
    return answer


# --------------------------------------------------------------------------------------------------------------- edges


def bad_margins(solution):
    """What is raised for margins that are 0 or below."""
    e, labels = _rows(), _labels()
    a, p, n = (_rows(count=4) for _ in range(3))
    d = uniform(5), uniform(5)
    return {
        f"{name}, margin {margin}": raised_by(lambda ask=ask, margin=margin: ask(margin))
        for margin in (0, 0.0, -0.2, -3)
        for name, ask in {
            "triplet_loss": lambda margin: solution.triplet_loss(a, p, n, margin),
            "triplet_kind": lambda margin: solution.triplet_kind(*d, margin),
            "batch_all": lambda margin: solution.batch_all(e, labels, margin),
            "batch_hard": lambda margin: solution.batch_hard(e, labels, margin),
            "semi_hard_triplets": lambda margin: solution.semi_hard_triplets(e, labels, margin),
        }.items()
    }


def bad_shapes(solution):
    """What is raised for tensors that do not belong together: triplets of unequal shape, labels that are no list."""
    a, short, row, narrow, column = (seeded(*shape) for shape in ((4, 3), (3, 3), (1, 3), (4, 2), (4, 1)))
    answer = {}
    for name, (one, other) in {
        "3 rows": (a, short),
        "1 row": (a, row),
        "2 columns": (a, narrow),
        "1 column": (a, column),
        "as many numbers": (column, column.T),
    }.items():
        for place in range(3):
            given = [one, one + 1, one - 1]
            given[place] = other
            ask = solution.triplet_loss
            answer[f"triplet_loss, {name}, argument {place}"] = raised_by(lambda ask=ask, given=given: ask(*given))
    for name, pair in {
        "5 and 4": (uniform(5), uniform(4)),
        "4 and 1": (uniform(4), uniform(1)),
        "1 and 4": (uniform(1), uniform(4)),
        "4 by 3 and 3": (uniform(4, 3), uniform(3)),
    }.items():
        answer[f"triplet_kind, {name}"] = raised_by(lambda pair=pair: solution.triplet_kind(*pair, 0.2))
    for function, ask in {
        "batch_all": solution.batch_all,
        "batch_hard": solution.batch_hard,
        "semi_hard_triplets": solution.semi_hard_triplets,
    }.items():
        for name, labels in {
            "5 for 4 rows": _labels(0, 0, 1, 1, 1),
            "3 for 4 rows": _labels(0, 0, 1),
            "1 for 4 rows": _labels(0),
            "a column": _labels(0, 0, 1, 1)[:, None],
            "a row of a table": _labels(0, 0, 1, 1)[None],
            "a table": _labels(0, 0, 1, 1)[:, None].repeat(1, 3),
            "no dimensions": _labels(3)[0],
        }.items():
            answer[f"{function}, labels: {name}"] = raised_by(lambda ask=ask, labels=labels: ask(a, labels))
    return answer


def smallest_margins(solution):
    """What a margin of a millionth gives, where the positive is at distance 1 and the negative at 0.5."""
    e, labels = _line(0.0, 1.0, -0.5), _labels(0, 0, 1)
    return {
        "triplet_loss": solution.triplet_loss(e[:1], e[1:2], e[2:], 1e-6),
        "triplet_kind": solution.triplet_kind(torch.tensor([1.0]), torch.tensor([0.5]), 1e-6),
        **_losses(solution, e, labels, margin=1e-6),
        "semi_hard_triplets": solution.semi_hard_triplets(e, labels, 1e-6),
    }


def nothing_valid(solution):
    """Losses, fractions, gradients and triplets of batches without a valid triplet."""
    answer = {}
    for name, labels in {
        "one class": _labels(3, 3, 3, 3),
        "all different": _labels(4, 0, 2, 9),
        "two rows of one class": _labels(3, 3),
        "two rows of two": _labels(3, 8),
        "one row": _labels(5),
        "no row": torch.zeros(0, dtype=torch.int64),
    }.items():
        for dtype, margin in ((torch.float64, 50.0), (torch.float32, 0.2)):
            e = _rows(dtype, len(labels)).requires_grad_()
            loss, fraction = solution.batch_all(e, labels, margin)
            answer[f"{name}, margin {margin}"] = {
                "batch_all": _with_gradients(loss, embeddings=e),
                "batch_all's fraction": fraction,
                "batch_hard": _with_gradients(solution.batch_hard(e, labels, margin), embeddings=e),
                "semi_hard_triplets": solution.semi_hard_triplets(e, labels, margin),
            }
    return answer


def no_rows(solution):
    """What the other functions make of no rows."""
    empty, none = torch.zeros(0, WIDTH, dtype=torch.float64), torch.zeros(0, dtype=torch.float64)
    inputs = [empty.clone().requires_grad_() for _ in range(3)]
    loss = solution.triplet_loss(*inputs)
    found = _with_gradients(loss, **dict(zip(("anchor", "positive", "negative"), inputs, strict=True)))["gradient"]
    return {
        "pairwise_distance": solution.pairwise_distance(empty),
        "triplet_loss": loss,
        # Gradients of no numbers are all alike: the zero may hang on any of the three.
        "triplet_loss hangs on its inputs": any(gradient is not None for gradient in found.values()),
        "triplet_kind": solution.triplet_kind(none, none.clone(), 0.2),
    }


def one_row(solution):
    """What pairwise_distance, triplet_loss and triplet_kind make of a single row."""
    a, p, n = (_rows(count=1) for _ in range(3))
    return {
        "pairwise_distance": list(solution.pairwise_distance(a).shape),
        "triplet_loss": solution.triplet_loss(a, p, n, 6.0),
        "triplet_kind": solution.triplet_kind((a - p).abs()[:, 0], (a - n).abs()[:, 0], 0.3),
    }


def nothing_active(solution):
    """Losses, fraction, gradients of batches whose classes are far apart."""
    answer = {}
    for dtype in (torch.float64, torch.float32):
        labels = _labels()
        e = _quarters(ROWS, WIDTH, dtype=dtype) + 8 * labels[:, None]
        e.requires_grad_()
        loss, fraction = solution.batch_all(e, labels)
        answer[str(dtype)] = {
            "batch_all": _with_gradients(loss, embeddings=e),
            "batch_all's fraction": fraction,
            "batch_hard": _with_gradients(solution.batch_hard(e, labels), embeddings=e),
            "semi_hard_triplets": solution.semi_hard_triplets(e, labels),
        }
    return answer


def borders_of_kinds(solution):
    """The kinds of triplets that lie exactly on a border, beside it, and at distance 0, at margin 0.5."""
    d_an = torch.tensor([0.0, 0.75, 1.0, 1.0625, 1.25, 1.4375, 1.5, 1.5625, 9.0], dtype=torch.float64)
    beside = torch.tensor([1.0 - 1e-9, 1.0 + 1e-9, 1.5 - 1e-9, 1.5 + 1e-9], dtype=torch.float64)
    return {
        "a billionth beside": solution.triplet_kind(torch.ones_like(beside), beside, 0.5),
        "positive at 1": solution.triplet_kind(torch.ones_like(d_an), d_an, 0.5),
        "positive at 0": solution.triplet_kind(torch.zeros_like(d_an), d_an, 0.5),
        "float32": solution.triplet_kind(torch.ones(9), d_an.float(), 0.5),
    }


def borders_of_active(solution):
    """What batch_all gives where some triplets reach the margin exactly, and where one costs only a millionth."""
    return {
        "at margin 0.5": solution.batch_all(_line(0.0, 0.5, -1.0, -0.75, 1.5), _labels(0, 0, 1, 2, 3), 0.5),
        "at margin 0.000001": solution.batch_all(_line(0.0, 0.5, -0.5), _labels(0, 0, 1), 1e-6),
    }


def borders_of_semi_hard(solution):
    """Semi-hard triplets at margin 0.5 where negatives lie exactly on a border, or are equally near."""
    settings = {
        "on the inner border": ([0.0, 0.5, -0.5, -0.75], [0, 0, 1, 1]),
        "only on the inner border": ([0.0, 0.5, -0.5], [0, 0, 1]),
        "on the outer border": ([0.0, 0.5, -1.0], [0, 0, 1]),
        "just inside the outer border": ([0.0, 0.5, -0.9375], [0, 0, 1]),
        "equally near, two sides": ([0.75, 0.0, -0.75, 0.5], [1, 0, 1, 0]),
        "equally near, two classes": ([0.0, 0.5, -0.875, -0.75, -0.75, -0.75], [0, 0, 1, 2, 3, 2]),
        "a pair at distance 0": ([2.0, 2.0, 2.25, 1.75, 2.0], [0, 0, 1, 1, 2]),
    }
    answer = {
        name: solution.semi_hard_triplets(_line(*points), _labels(*labels), 0.5)
        for name, (points, labels) in settings.items()
    }
    crowd = _quarters(ROWS, 1)
    return {**answer, "a crowd": solution.semi_hard_triplets(crowd, _labels(), 0.5)}


# ------------------------------------------------------------------------------------------------------------- overfit

IMAGES, BATCH, STEPS, LEARNING_RATE, WIDE_MARGIN = 50, 15, 140, 1e-3, 0.3


class _Embedder(nn.Module):
    """Three convolutions and a linear layer: (B, 3, 16, 16) -> rows of length 1, (B, 16)."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 4 * 4, 16),
        )

    def forward(self, x):
        return F.normalize(self.layers(x))


def _pictures():
    return stacked(scenes(IMAGES, seed=run_seed(), size=16, max_obj=1))  # (50, 3, 16, 16), (50,)


def overfit(solution):
    """The batch-all loss of a small network while it learns 50 images by heart, 15 at a time, and its last weights."""
    images, labels = _pictures()
    net = _Embedder()

    def loss(_step):
        chosen = uniform(IMAGES).argsort()[:BATCH]
        return solution.batch_all(net(images[chosen]), labels[chosen], WIDE_MARGIN)[0]

    losses = train(net, loss, steps=STEPS, lr=LEARNING_RATE)
    return {
        "losses": losses,
        "weights": state_of(net),
        "activations": activation_statistics(net, lambda: net(images)),
    }


def judged(solution, weights):
    """How well a network with these weights tells the 50 images apart."""
    images, labels = _pictures()
    net = _Embedder()
    net.load_state_dict(weights)
    with torch.no_grad():
        e = net(images)
        loss, fraction = solution.batch_all(e, labels, WIDE_MARGIN)
        nearest = solution.pairwise_distance(e).clone().fill_diagonal_(torch.inf).argmin(dim=1)
    return {"loss of a valid triplet": float(loss * fraction), "right": int((labels[nearest] == labels).sum())}


# ----------------------------------------------------------------------------------------------------------- resources


def traces(solution):
    """What every function changes beyond its result, and whether it says the same when asked again."""
    e, labels = _rows(), _labels()

    def everything():
        return {
            "pairwise_distance": solution.pairwise_distance(e),
            "triplet_loss": solution.triplet_loss(e[:3], e[3:6], e[6:]),
            "triplet_kind": solution.triplet_kind(e[:, 0].abs(), e[:, 1].abs(), 0.2),
            **_losses(solution, e, labels),
            "semi_hard_triplets": solution.semi_hard_triplets(e, labels, 2.0),
        }

    torch.rand(1)  # or a solution that seeds with the seed of this run would leave no trace
    changed = traces_of(everything)
    with torch.no_grad():
        changed_without_gradients = traces_of(everything)
    once, again = everything(), everything()
    same = {name: torch.equal(one, again[name]) for name, one in once.items()}
    return {"changed": changed, "changed without gradients": changed_without_gradients, "same again": same}


# ------------------------------------------------------------------------------------------------------------- pictures


def learnt_distances(solution):
    """Where 50 images lie before and after training, and the kind of every triplet among them."""
    images, labels = _pictures()
    with torch.random.fork_rng(devices=[]):
        net = _Embedder()  # begins as the one that is trained next
    same = labels[:, None] == labels  # (50, 50)
    positive = same & ~torch.eye(IMAGES, dtype=torch.bool)  # (50, 50)
    a, p, n = (positive[:, :, None] & ~same[:, None, :]).nonzero(as_tuple=True)  # each (T,)

    def look():
        with torch.no_grad():
            e = net(images)  # (50, 16)
            d = solution.pairwise_distance(e)  # (50, 50)
            kinds = solution.triplet_kind(d[a, p], d[a, n], WIDE_MARGIN)  # (T,)
        return {"embeddings": e, "gaps": d[a, n] - d[a, p], "kinds": kinds}

    before = look()
    net.load_state_dict(overfit(solution)["weights"])
    return {"labels": labels, "margin": WIDE_MARGIN, "before": before, "after": look()}
