"""Questions about a U-Net and its losses. Sizes are unequal on purpose: B, Cin, C, H, W and width all differ."""

from __future__ import annotations

import torch

from cvlab.probing import (
    activation_statistics,
    begun,
    buffers_of,
    filled,
    gradients_of,
    integers,
    layout_of,
    raised_by,
    run_seed,
    scenes,
    seeded,
    seeds_anew,
    state_of,
    traces_of,
    train,
    uniform,
    weighted_sum,
)

#: (height, width): nothing to pad, something at the second level, at the first, at both, and in one direction only.
IMAGE_SIZES = ((12, 16), (14, 8), (13, 20), (13, 18), (8, 15), (11, 12), (7, 11))

#: Channels and size (B, C, H, W) of logits: several classes, two classes, one foreground map.
LOGIT_SIZES = {"four classes": (3, 4, 5, 7), "two classes": (2, 2, 6, 3), "one channel": (3, 1, 4, 6)}


def _net(solution, in_channels=3, num_classes=5, width=2, dtype=torch.float32):
    return filled(solution.UNet(in_channels, num_classes, width), dtype)


def _image(batch, channels, height, width, dtype=torch.float32):
    return seeded(batch, channels, height, width, mean=0.3, std=1.2, dtype=dtype)


def _logits(case, dtype=torch.float64):
    return seeded(*LOGIT_SIZES[case], mean=0.4, std=1.7, dtype=dtype)


def _target(case):
    b, c, h, w = LOGIT_SIZES[case]
    return integers(b, h, w, high=max(c, 2))


def _with_ignored(target, value):
    """Mark most of the first image, two pixels of the second, and nothing of a third."""
    target = target.clone()
    target[0, :, 1:] = value
    target[1, 0, :2] = value
    return target


# ---------------------------------------------------------------------------------------------------- shapes and names


def net_names(solution):
    """The names and shapes of everything a UNet learns or remembers."""
    return {
        "UNet(2, 5, 3)": layout_of(solution.UNet(2, 5, 3)),
        "UNet(in_channels=1, num_classes=1, width=2)": layout_of(solution.UNet(in_channels=1, num_classes=1, width=2)),
        "UNet()": layout_of(solution.UNet()),
    }


def net_shapes(solution):
    """The shapes of logits for images of even and odd size, with several classes and with one."""
    several, one = solution.UNet(3, 5, 2), solution.UNet(2, 1, 3).eval()
    return {
        f"{h} x {w}": [list(several(_image(2, 3, h, w)).shape), list(one(_image(1, 2, h, w)).shape)]
        for h, w in IMAGE_SIZES
    }


def loss_forms(solution):
    """The shapes and dtypes of both losses, for float32 and for float64 logits."""
    answer = {}
    for case in LOGIT_SIZES:
        for dtype in (torch.float32, torch.float64):
            logits, target = _logits(case, dtype), _target(case)
            losses = {"dice": solution.dice_loss(logits, target), "sum": solution.dice_ce_loss(logits, target)}
            answer[f"{case}, {dtype}"] = {name: [list(loss.shape), str(loss.dtype)] for name, loss in losses.items()}
    return answer


# ------------------------------------------------------------------------------------------------ the network's numbers


def net_in_eval(solution):
    """The logits of a UNet with known weights in eval mode, in float64, for images of even and odd size."""
    net = _net(solution, dtype=torch.float64).eval()
    with torch.no_grad():
        answer = {f"{h} x {w}": net(_image(2, 3, h, w, torch.float64)) for h, w in IMAGE_SIZES}
        answer["other images of the last size"] = net(_image(2, 3, *IMAGE_SIZES[-1], torch.float64))
    return answer


def net_in_train(solution):
    """The logits of a UNet with known weights in train mode, in float64, and the statistics it then remembers."""
    answer = {}
    for h, w in ((12, 16), (13, 18), (15, 11)):
        net = _net(solution, 2, 3, 3, torch.float64).train()
        logits = net(_image(3, 2, h, w, torch.float64))
        remembered = {name: value for name, value in buffers_of(net).items() if value.is_floating_point()}
        answer[f"{h} x {w}"] = [logits, remembered]
    return answer


def net_in_float32(solution):
    """The logits of a UNet with known weights in float32."""
    return _net(solution).eval()(_image(2, 3, 10, 13))


# -------------------------------------------------------------------------------------------------- the losses' numbers


def dice_values(solution):
    """The Dice loss of random logits in float64, for several values of smooth."""
    answer = {}
    for case in ("four classes", "two classes"):
        logits, target = _logits(case), _target(case)
        answer[case] = {
            "no smooth given": solution.dice_loss(logits, target),
            **{f"smooth={smooth}": solution.dice_loss(logits, target, smooth) for smooth in (0.0, 0.5, 1.0, 16.0)},
        }
    return answer


def dice_of_rare_classes(solution):
    """The Dice loss where one class covers a single pixel, and where one class covers none."""
    logits = seeded(2, 3, 5, 6, dtype=torch.float64)
    rare = torch.zeros(2, 5, 6, dtype=torch.int64)
    rare[1, 2:, :] = 1
    absent = rare.clone()
    rare[0, 1, 4] = 2
    return {
        "one pixel": solution.dice_loss(logits, rare),
        "no pixel": solution.dice_loss(logits, absent),
        "no pixel, smooth=0": solution.dice_loss(logits, absent, smooth=0.0),
        "no pixel of the last two": solution.dice_loss(logits, torch.zeros_like(rare), smooth=2.0),
        "no pixel of the first": solution.dice_loss(logits, torch.ones_like(rare), smooth=0.5),
    }


def binary_dice_values(solution):
    """The Dice loss of a single channel of logits, in float64."""
    logits, target = _logits("one channel"), _target("one channel")
    return {
        "no smooth given": solution.dice_loss(logits, target),
        **{f"smooth={smooth}": solution.dice_loss(logits, target, smooth) for smooth in (0.0, 0.25, 8.0)},
        "no foreground": solution.dice_loss(logits, torch.zeros_like(target)),
        "foreground only": solution.dice_loss(logits, torch.ones_like(target)),
    }


def sum_values(solution):
    """The Dice and cross-entropy loss in float64, for several weights and values of smooth."""
    answer = {}
    for case in ("four classes", "two classes"):
        logits, target = _logits(case), _target(case)
        answer[case] = {
            "defaults": solution.dice_ce_loss(logits, target),
            "cross-entropy alone": solution.dice_ce_loss(logits, target, dice_weight=0.0),
            "Dice alone": solution.dice_ce_loss(logits, target, ce_weight=0.0),
            "weights 0.25 and 3": solution.dice_ce_loss(logits, target, 0.25, 3.0),
            "weights 2 and 0.5, smooth 4": solution.dice_ce_loss(logits, target, 2.0, 0.5, 4.0),
            "Dice alone, smooth 0": solution.dice_ce_loss(logits, target, ce_weight=0.0, smooth=0.0),
        }
    return answer


def binary_sum_values(solution):
    """The Dice and cross-entropy loss of a single channel of logits, in float64."""
    logits, target = _logits("one channel"), _target("one channel")
    return {
        "defaults": solution.dice_ce_loss(logits, target),
        "cross-entropy alone": solution.dice_ce_loss(logits, target, dice_weight=0.0),
        "Dice alone": solution.dice_ce_loss(logits, target, ce_weight=0.0),
        "weights 2 and 0.5, smooth 4": solution.dice_ce_loss(logits, target, 2.0, 0.5, 4.0),
    }


def losses_in_float32(solution):
    """Both losses of random logits in float32."""
    answer = {}
    for case in LOGIT_SIZES:
        logits, target = _logits(case, torch.float32), _target(case)
        answer[case] = [solution.dice_loss(logits, target), solution.dice_ce_loss(logits, target)]
    return answer


def losses_in_double_precision(solution):
    """Both losses in float64 where float32 would show: in logits near 300 or nearly right, in smooth and weights."""
    answer = {}
    for case, (_, c, _, _) in LOGIT_SIZES.items():
        target = _target(case)
        right = target[:, None] == (torch.arange(c)[None, :, None, None] if c > 1 else 1)
        nearly = _logits(case) / 4 + 12 * right - 6
        given = {"nearly right": nearly} if c == 1 else {"nearly right": nearly, "near 300": _logits(case) / 4 + 300}
        for what, logits in given.items():
            answer[f"{case}, {what}"] = [solution.dice_loss(logits, target), solution.dice_ce_loss(logits, target)]
        answer[f"{case}, smooth and weights of many digits"] = [
            solution.dice_loss(_logits(case), target, 16.1),
            solution.dice_ce_loss(_logits(case), target, 0.3, 0.7),
        ]
    return answer


# ------------------------------------------------------------------------------------------------------ ignored pixels


def dice_with_ignored_pixels(solution):
    """The Dice loss where some pixels are ignored, in float64."""
    answer = {}
    for case, (_, c, _, _) in LOGIT_SIZES.items():
        for index in (255, -1, -100, c):
            if index == 1:  # class 1 of a single channel; asked below with the other classes
                continue
            logits, target = _logits(case), _with_ignored(_target(case), index)
            answer[f"{case}, ignore_index={index}"] = [
                solution.dice_loss(logits, target, ignore_index=index),
                solution.dice_loss(logits, target, 0.5, index),
            ]
    return answer


def dice_with_an_ignored_class(solution):
    """The Dice loss where the pixels to ignore carry the number of a class, in float64."""
    return {
        f"{case}, ignore_index={index}": solution.dice_loss(_logits(case), _target(case), ignore_index=index)
        for case in LOGIT_SIZES
        for index in (0, 1)
    }


def sum_with_ignored_pixels(solution):
    """The Dice and cross-entropy loss where some pixels are ignored, in float64, together and each alone."""
    answer = {}
    for case in LOGIT_SIZES:
        for index in (255, -1, 0):
            logits, target = _logits(case), _target(case)
            target = target if index == 0 else _with_ignored(target, index)
            answer[f"{case}, ignore_index={index}"] = [
                solution.dice_ce_loss(logits, target, ignore_index=index),
                solution.dice_ce_loss(logits, target, 0.0, 1.0, 1.0, index),
                solution.dice_ce_loss(logits, target, 1.5, 0.0, 2.0, index),
            ]
    return answer


def nothing_to_ignore(solution):
    """Both losses with an ignore_index that no pixel has, and without one."""
    answer = {}
    for case in LOGIT_SIZES:
        logits, target = _logits(case), _target(case)
        answer[case] = {
            how: [solution.dice_loss(logits, target, **given), solution.dice_ce_loss(logits, target, **given)]
            for how, given in {"with": {"ignore_index": 255}, "without": {}}.items()
        }
    return answer


def everything_ignored(solution):
    """Both losses where every pixel is ignored, whether they are attached to the graph, and their gradient."""
    answer = {}
    for case in LOGIT_SIZES:
        for index in (255, -1):
            for name in ("dice_loss", "dice_ce_loss"):
                logits = _logits(case).requires_grad_()
                loss = getattr(solution, name)(logits, torch.full_like(_target(case), index), ignore_index=index)
                answer[f"{name}, {case}, ignore_index={index}"] = {
                    "loss": loss,
                    "attached": loss.requires_grad,
                    "gradient": gradients_of(loss, {"logits": logits}),
                }
    return answer


# ----------------------------------------------------------------------------------------------------------- gradients


def dice_gradients(solution):
    """The gradient of the Dice loss alone, with and without ignored pixels."""
    answer = {}
    for case in LOGIT_SIZES:
        target = _target(case)
        for how, labels in {"all": target, "some ignored": _with_ignored(target, 255)}.items():
            logits = _logits(case).requires_grad_()
            loss = solution.dice_loss(logits, labels, smooth=0.5, ignore_index=255)
            answer[f"{case}, {how}"] = gradients_of(loss, {"logits": logits})
    return answer


def sum_gradients(solution):
    """The gradient of the Dice and cross-entropy loss, together and each alone."""
    answer = {}
    for case in LOGIT_SIZES:
        target = _with_ignored(_target(case), 255)
        for weights in ((1.0, 1.0), (0.0, 2.0), (3.0, 0.0)):
            logits = _logits(case).requires_grad_()
            loss = solution.dice_ce_loss(logits, target, *weights, ignore_index=255)
            answer[f"{case}, weights {weights}"] = gradients_of(loss, {"logits": logits})
    return answer


def net_gradients(solution):
    """The gradients of a UNet's image and of all its weights, in train and in eval mode."""
    answer = {}
    for mode in (True, False):
        net = _net(solution, 2, 3, 2, torch.float64).train(mode)
        x = _image(3, 2, 13, 18, torch.float64).requires_grad_()
        wanted = {"input": x, **dict(net.named_parameters())}
        answer["train" if mode else "eval"] = gradients_of(weighted_sum(net(x)), wanted)
    return answer


def gradients_across_a_skip(solution):
    """The gradients of the two encoders when nothing comes up from below them."""
    answer = {}
    for encoder, silenced in (("enc1", "up1"), ("enc2", "up2")):
        net = _net(solution, 3, 2, 2, torch.float64).eval()
        with torch.no_grad():
            for parameter in getattr(net, silenced).parameters():
                parameter.zero_()
        wanted = dict(getattr(net, encoder).named_parameters())
        answer[encoder] = gradients_of(weighted_sum(net(_image(2, 3, 8, 12, torch.float64))), wanted)
    return answer


# ---------------------------------------------------------------------------------------------------------- invariants


def worked_example(solution):
    """Both losses of the worked example of the brief."""
    logits, target = torch.zeros(1, 2, 1, 4), torch.tensor([[[0, 0, 0, 1]]])
    return {
        "dice_loss": float(solution.dice_loss(logits, target)),
        "dice_ce_loss": float(solution.dice_ce_loss(logits, target)),
    }


def perfect_predictions(solution):
    """The Dice loss of logits that are 50 where they should be high and -50 elsewhere."""
    answer = {}
    for case, (_, c, _, _) in LOGIT_SIZES.items():
        target = _target(case)
        right = target[:, None] == torch.arange(c)[None, :, None, None] if c > 1 else target[:, None] == 1
        answer[case] = float(solution.dice_loss(right * 100.0 - 50.0, target))
    return answer


def absent_class(solution):
    """The Dice loss of perfect logits where a class occurs neither in the target nor in the prediction."""
    target = integers(2, 4, 5, high=2)
    right = target[:, None] == torch.arange(3)[None, :, None, None]
    first = torch.arange(3)[None, :, None, None].expand(2, 3, 4, 5) == 0
    return {
        "three classes, the last absent": float(solution.dice_loss(right * 100.0 - 50.0, target)),
        "three classes, only the first there": float(solution.dice_loss(first * 100.0 - 50.0, target * 0)),
        "one channel, no foreground": float(solution.dice_loss(torch.full((2, 1, 4, 5), -50.0), target * 0)),
    }


def shifted_logits(solution):
    """Both losses before and after each pixel's logits are raised by a number of the pixel's own."""
    answer = {}
    for case in ("four classes", "two classes"):
        b, _, h, w = LOGIT_SIZES[case]
        logits, target = _logits(case), _target(case)
        raised = logits + uniform(b, 1, h, w, low=1.0, high=5.0, dtype=torch.float64)
        answer[case] = {
            when: [solution.dice_loss(given, target), solution.dice_ce_loss(given, target)]
            for when, given in {"before": logits, "after": raised}.items()
        }
    return answer


def rearranged_pixels(solution):
    """The Dice loss of a batch as it is, in another order, with images turned on their side, and put side by side."""
    answer = {}
    for case in LOGIT_SIZES:
        logits, target = _logits(case), _target(case)
        answer[case] = {
            "as it is": solution.dice_loss(logits, target),
            "another order": solution.dice_loss(logits.flip(0), target.flip(0)),
            "on their side": solution.dice_loss(logits.mT.contiguous(), target.mT.contiguous()),
            "side by side": solution.dice_loss(torch.cat([*logits], dim=2)[None], torch.cat([*target], dim=1)[None]),
        }
    return answer


def doubled_batches(solution):
    """The Dice loss of a batch, and of the batch followed by itself with smooth doubled as well."""
    answer = {}
    for case in LOGIT_SIZES:
        logits, target = _logits(case), _target(case)
        twice = torch.cat([logits, logits]), torch.cat([target, target])
        answer[case] = {
            f"smooth={smooth}": {
                "once": solution.dice_loss(logits, target, smooth),
                "twice": solution.dice_loss(*twice, 2 * smooth),
            }
            for smooth in (0.0, 1.5)
        }
    return answer


def untouched_inputs(solution):
    """Whether images, logits and targets are still what they were after a UNet or a loss has seen them."""
    answer = {}
    for mode in ("train", "eval"):
        net, x = _net(solution).train(mode == "train"), _image(2, 3, 12, 16)
        before = x.clone()
        with torch.no_grad():
            net(x)
        answer[f"image, {mode}"] = torch.equal(x, before)
    for case in LOGIT_SIZES:
        for name in ("dice_loss", "dice_ce_loss"):
            logits, target = _logits(case, torch.float32), _with_ignored(_target(case), 255)
            before = logits.clone(), target.clone()
            getattr(solution, name)(logits, target, ignore_index=255)
            answer[f"{name}, {case}"] = [torch.equal(logits, before[0]), torch.equal(target, before[1])]
    return answer


# --------------------------------------------------------------------------------------------------------------- edges


def small_images(solution):
    """What a UNet says to images below four pixels high or wide."""
    nets = {"train": _net(solution).train(), "eval": _net(solution).eval()}
    sizes = ((3, 3), (3, 8), (8, 3), (1, 16), (16, 1), (2, 9), (9, 2), (1, 1))
    return {
        f"{h} x {w}, {mode}": raised_by(lambda net=net, h=h, w=w: net(_image(2, 3, h, w)))
        for h, w in sizes
        for mode, net in nets.items()
    }


def smallest_images(solution):
    """What a UNet computes for images of four to seven pixels, one image at a time, in eval mode."""
    net = _net(solution, dtype=torch.float64).eval()
    with torch.no_grad():
        return {
            f"{h} x {w}": net(_image(1, 3, h, w, torch.float64))
            for h, w in ((4, 4), (4, 9), (9, 4), (5, 4), (6, 7), (7, 7))
        }


def single_images(solution):
    """What a UNet and the losses compute for a batch of one, with several channels and with one."""
    answer = {}
    for in_channels, num_classes in ((3, 5), (1, 1)):
        for mode in (True, False):
            net = _net(solution, in_channels, num_classes, 3, torch.float64).train(mode)
            key = f"UNet({in_channels}, {num_classes}, 3), {'train' if mode else 'eval'}"
            answer[key] = net(_image(1, in_channels, 12, 16, torch.float64))
    for c, h, w in ((3, 4, 5), (1, 4, 5), (1, 1, 1), (4, 1, 1), (2, 1, 4), (1, 6, 1)):
        logits, target = seeded(1, c, h, w, dtype=torch.float64), integers(1, h, w, high=max(c, 2))
        losses = [solution.dice_loss(logits, target), solution.dice_ce_loss(logits, target)]
        answer[f"losses, {c} x {h} x {w}"] = losses
    return answer


def confident_logits(solution):
    """Both losses of logits of many hundreds, some of them wrong or none, and the gradient."""
    answer = {}
    for case, size in LOGIT_SIZES.items():
        target = _target(case)
        true = target[:, None] == (torch.arange(size[1])[None, :, None, None] if size[1] > 1 else 1)
        for what, high in {"some wrong": integers(*size, high=2), "all right": true.long()}.items():
            for dtype in (torch.float32, torch.float64):
                scale = 100.0 if dtype is torch.float32 else 400.0
                logits = (uniform(*size, low=scale, high=2 * scale, dtype=dtype) * (high * 2 - 1)).requires_grad_()
                losses = [solution.dice_loss(logits, target), solution.dice_ce_loss(logits, target)]
                answer[f"{case}, {what}, {dtype}"] = [losses, gradients_of(losses[1], {"logits": logits})]
    return answer


def bad_targets(solution):
    """What the losses raise for targets of the wrong shape, type or content."""
    answer = {}
    for name in ("dice_loss", "dice_ce_loss"):
        loss = getattr(solution, name)
        for case, (b, c, h, w) in LOGIT_SIZES.items():
            logits, target = _logits(case), _target(case)
            wrong = {
                "one row too few": target[:, 1:],
                "one column too many": torch.cat([target, target[:, :, :1]], dim=2),
                "height and width swapped": target.mT.contiguous(),
                "one image too few": target[1:],
                "one image for all": target[:1],
                "an axis for the channel": target[:, None],
                "one axis missing": target[0],
                "one map per class": torch.stack([target] * c, dim=1),
                "a flat list": target.reshape(b, h * w),
                "float16": target.half(),
                "float32": target.float(),
                "float64": target.double(),
            }
            for what, bad in wrong.items():
                answer[f"{name}, {case}, {what}"] = raised_by(
                    lambda bad=bad, loss=loss, logits=logits: loss(logits, bad)
                )
    return answer


def _with_one(target, value):
    target = target.clone()
    target[-1, 1, 2] = value
    return target


def bad_class_numbers(solution):
    """What the losses raise for a target that holds a number which is neither a class nor to be ignored."""
    answer = {}
    for name in ("dice_loss", "dice_ce_loss"):
        loss = getattr(solution, name)
        for case, (_, c, _, _) in LOGIT_SIZES.items():
            logits, target = _logits(case), _target(case)
            for value, index in (
                (max(c, 2), None),
                (255, None),
                (-1, None),
                (-100, None),
                (max(c, 2), 255),
                (-1, 255),
                (-100, -1),
                (-100, 255),
                (255, -100),
                (255, 0),
            ):
                bad = _with_one(target, value)
                given = {} if index is None else {"ignore_index": index}
                answer[f"{name}, {case}, {value} with ignore_index={index}"] = raised_by(
                    lambda bad=bad, given=given, loss=loss, logits=logits: loss(logits, bad, **given)
                )
    return answer


def negative_smooth(solution):
    """What the losses raise for a smooth below zero, and for the smallest that makes sense."""
    answer = {}
    for name in ("dice_loss", "dice_ce_loss"):
        loss = getattr(solution, name)
        for case in LOGIT_SIZES:
            logits, target = _logits(case), _target(case)
            for smooth in (-1.0, -0.001, -5, 0.0, 0, 0.001):
                answer[f"{name}, {case}, smooth={smooth}"] = raised_by(
                    lambda smooth=smooth, loss=loss, logits=logits, target=target: loss(logits, target, smooth=smooth)
                )
    return answer


# ------------------------------------------------------------------------------------------------------------- overfit

CLASSES, WIDTH, STEPS = 4, 16, 80
BATCHES, BATCH = 5, 10


def _pictures(seed):
    found = scenes(BATCHES * BATCH, seed=seed, size=16, max_obj=2, hue=True)
    return torch.stack([scene.image for scene in found]), torch.stack([scene.mask for scene in found])


def overfit(solution):
    """The loss of a UNet while it learns the masks of 50 images by heart, and the weights it ends with."""
    images, masks = _pictures(run_seed())  # (50, 3, 16, 16), (50, 16, 16)
    net = begun(solution.UNet(3, CLASSES, WIDTH)).train()

    def loss(step):
        some = slice(step % BATCHES * BATCH, (step % BATCHES + 1) * BATCH)  # ten images
        return solution.dice_ce_loss(net(images[some]), masks[some])

    losses = train(net, loss, steps=STEPS, lr=1e-2)
    return {
        "losses": losses,
        "weights": state_of(net),
        "activations": activation_statistics(net, lambda: net(images)),
    }


def judged_with_weights(solution, weights):
    """The loss and the mean IoU on the same 50 images of a network that has these weights."""
    images, masks = _pictures(run_seed())
    net = solution.UNet(3, CLASSES, WIDTH).train()
    try:
        net.load_state_dict(weights)
    except RuntimeError:
        return {"fits": False}
    with torch.no_grad():
        logits = net(images)  # (50, 4, 16, 16)
    found = logits.argmax(1)  # (50, 16, 16)
    ious = [float(((found == k) & (masks == k)).sum() / ((found == k) | (masks == k)).sum()) for k in range(CLASSES)]
    return {"fits": True, "loss": float(solution.dice_ce_loss(logits, masks)), "iou": sum(ious) / CLASSES}


# ----------------------------------------------------------------------------------------------------------- resources


def traces(solution):
    """What a forward pass and a loss change: global random state, gradient mode, names of what the network learns."""
    net = _net(solution).train()
    names = sorted(layout_of(net))
    target = integers(2, 12, 16, high=5)
    changed = {
        "train": traces_of(lambda: net(_image(2, 3, 12, 16))),
        "eval": traces_of(lambda: net.eval()(_image(2, 3, 12, 16))),
        "dice_loss": traces_of(lambda: solution.dice_loss(seeded(2, 5, 12, 16), target)),
        "dice_ce_loss": traces_of(lambda: solution.dice_ce_loss(seeded(2, 5, 12, 16), target)),
    }
    return {
        "changed": changed,
        "seeds the global generator": seeds_anew(lambda: solution.UNet(3, 5, 2)),
        "names": names == sorted(layout_of(net)),
        "learnable": all(parameter.requires_grad for parameter in net.parameters()),
    }


# ------------------------------------------------------------------------------------------------------------- pictures


def masks_found(solution):
    """Two pictures learnt by heart and two new ones: the true mask of each, and what a trained UNet says it is."""
    net = solution.UNet(3, CLASSES, WIDTH).train()
    net.load_state_dict(overfit(solution)["weights"])
    learnt, new = _pictures(run_seed()), _pictures(run_seed() + 1)
    images, masks = (torch.cat([known[:2], fresh[:2]]) for known, fresh in zip(learnt, new, strict=True))
    with torch.no_grad():  # in train mode, as it learnt, and among all pictures: the batch decides the statistics
        logits = net(torch.cat([images, learnt[0]]))[:4]  # (4, 4, 16, 16)
    return {"images": images, "masks": masks, "found": logits.argmax(1)}
