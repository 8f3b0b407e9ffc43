"""Questions about a small vision transformer. B, N, D, heads, features per head and hidden width all differ."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name

from cvlab.probing import (
    activation_statistics,
    filled,
    gradients_of,
    layout_of,
    raised_by,
    run_seed,
    scenes,
    seeded,
    seeds_anew,
    stacked,
    state_of,
    traces_of,
    train,
    weighted_sum,
)

#: (img_size, patch_size, in_chans, dim)
EMBEDS = {
    "6 pixels by 2, 3 channels": (6, 2, 3, 5),
    "8 pixels by 4, 2 channels": (8, 4, 2, 7),
    "15 pixels by 5, 1 channel": (15, 5, 1, 4),
}
#: (dim, num_heads)
ATTENTIONS = {"12 features, 3 heads": (12, 3), "16 features, 2 heads": (16, 2), "4 features, 1 head": (4, 1)}
#: (dim, num_heads, mlp_ratio); no hidden width is a whole number before it is cut.
BLOCKS = {
    "12 features, 3 heads": (12, 3, 1.3),
    "8 features, 2 heads": (8, 2, 2.7),
    "16 features, 2 heads": (16, 2, 1.6),
}
#: (img_size, patch_size, in_chans, num_classes, dim, depth, num_heads, mlp_ratio)
NETS = {
    "9 patches, 2 blocks": (6, 2, 2, 4, 12, 2, 3, 1.3),
    "4 patches, 3 blocks": (8, 4, 3, 5, 8, 3, 2, 2.7),
}
DOUBLE = torch.float64


def _embed(solution, setting, dtype=DOUBLE):
    return filled(solution.PatchEmbed(*EMBEDS[setting]), dtype)


def _attention(solution, setting, dtype=DOUBLE):
    return filled(solution.Attention(*ATTENTIONS[setting]), dtype)


def _block(solution, setting, dtype=DOUBLE):
    return filled(solution.Block(*BLOCKS[setting]), dtype)


def _net(solution, setting, dtype=DOUBLE):
    return filled(solution.TinyViT(*NETS[setting]), dtype)


def _image(size, channels, dtype=DOUBLE, batch=2):
    return seeded(batch, channels, size, size, mean=0.3, dtype=dtype)


def _image_for(arguments, dtype=DOUBLE, batch=2):
    """Return images of the size and channels that these arguments of PatchEmbed or TinyViT ask for."""
    size, _, channels, *_ = arguments
    return _image(size, channels, dtype, batch)


def _tokens(dim, dtype=DOUBLE, batch=2, count=7, mean=-0.2, std=1.3):
    return seeded(batch, count, dim, mean=mean, std=std, dtype=dtype)


def _shape(output):
    return list(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__


def _part(module, name):
    """Return the numbers that a module has under this name; writing into them changes the module."""
    state = module.state_dict()
    if name not in state:
        raise LookupError(f"{type(module).__name__} has nothing of the name {name}")
    return state[name]


def _scaled(module, factor, *names):
    with torch.no_grad():
        for name in names:
            _part(module, name).mul_(factor)
    return module


# ---------------------------------------------------------------------------------------------------- shapes and names


def embed_shapes(solution):
    """The shapes of the tokens that PatchEmbed makes, with and without its default channels and features."""
    answer = {
        setting: _shape(solution.PatchEmbed(*arguments)(_image_for(arguments, torch.float32)))
        for setting, arguments in EMBEDS.items()
    }
    answer["PatchEmbed(12, 4)"] = _shape(solution.PatchEmbed(12, 4)(_image(12, 3, torch.float32)))
    answer["by keyword"] = _shape(
        solution.PatchEmbed(img_size=6, patch_size=3, in_chans=2, dim=5)(_image(6, 2, torch.float32))
    )
    return answer


def attention_shapes(solution):
    """The shapes of what Attention makes of tokens."""
    return {
        "Attention(12, 3)": _shape(solution.Attention(12, 3)(_tokens(12, torch.float32))),
        "Attention(8)": _shape(solution.Attention(8)(_tokens(8, torch.float32, count=3))),
        "Attention(dim=6, num_heads=2)": _shape(
            solution.Attention(dim=6, num_heads=2)(_tokens(6, torch.float32, batch=3, count=4))
        ),
    }


def block_shapes(solution):
    """The shapes of what Block makes of tokens."""
    return {
        "Block(12, 6)": _shape(solution.Block(12, 6)(_tokens(12, torch.float32))),
        "Block(dim=8, num_heads=2, mlp_ratio=1.5)": _shape(
            solution.Block(dim=8, num_heads=2, mlp_ratio=1.5)(_tokens(8, torch.float32, batch=3, count=4))
        ),
    }


def logit_shapes(solution):
    """The shape of a TinyViT's logits, made without arguments, by position and by keyword."""
    words = ("img_size", "patch_size", "in_chans", "num_classes", "dim", "depth", "num_heads", "mlp_ratio")
    answer = {"TinyViT()": _shape(solution.TinyViT()(_image(16, 3, torch.float32)))}
    for setting, arguments in NETS.items():
        image = _image_for(arguments, torch.float32, batch=3)
        answer[setting] = _shape(solution.TinyViT(*arguments)(image))
        answer[f"{setting}, by keyword"] = _shape(solution.TinyViT(**dict(zip(words, arguments, strict=True)))(image))
    return answer


def names_of_embeds(solution):
    """The names and shapes of everything that PatchEmbed learns."""
    return {
        **{f"PatchEmbed{arguments}": layout_of(solution.PatchEmbed(*arguments)) for arguments in EMBEDS.values()},
        "PatchEmbed(8, 2)": layout_of(solution.PatchEmbed(8, 2)),
    }


def names_of_attention(solution):
    """The names and shapes of everything that Attention learns."""
    return {f"Attention{arguments}": layout_of(solution.Attention(*arguments)) for arguments in ATTENTIONS.values()}


def names_of_blocks(solution):
    """The names and shapes of everything that Block learns."""
    return {
        **{f"Block{arguments}": layout_of(solution.Block(*arguments)) for arguments in BLOCKS.values()},
        "Block(12, 2)": layout_of(solution.Block(12, 2)),
    }


def names_of_net(solution):
    """The names and shapes of everything that a TinyViT learns."""
    return {
        **{f"TinyViT{arguments}": layout_of(solution.TinyViT(*arguments)) for arguments in NETS.values()},
        "TinyViT()": layout_of(solution.TinyViT()),
    }


# -------------------------------------------------------------------------------------------------------------- parity


def patches(solution):
    """The tokens that PatchEmbed makes with known weights, in float64 and in float32."""
    answer = {setting: _embed(solution, setting)(_image_for(EMBEDS[setting])) for setting in EMBEDS}
    single = torch.float32
    answer["float32"] = filled(solution.PatchEmbed(9, 3, 2, 5))(_image(9, 2, single))
    answer["PatchEmbed(8, 4)"] = filled(solution.PatchEmbed(8, 4))(_image(8, 3, single))
    return answer


def attention(solution):
    """What Attention makes of tokens with known weights, in float64 and in float32, with 4 heads unless told."""
    answer = {setting: _attention(solution, setting)(_tokens(ATTENTIONS[setting][0])) for setting in ATTENTIONS}
    answer["Attention(8)"] = filled(solution.Attention(8), DOUBLE)(_tokens(8))
    answer["Attention(24)"] = filled(solution.Attention(24), DOUBLE)(_tokens(24, count=3))
    answer["float32"] = _attention(solution, "12 features, 3 heads", torch.float32)(_tokens(12, torch.float32))
    return answer


def attention_with_large_scores(solution):
    """What Attention makes of tokens before and after a key bias lifts or lowers all scores of a query by thousands."""
    module, x = _attention(solution, "12 features, 3 heads"), _tokens(12)
    with torch.no_grad():
        before = module(x)
        _part(module, "qkv.bias")[12:24] += 3000.0
        return [before, module(x)]


def attention_with_scores_apart(solution):
    """What Attention with one head makes of tokens when a query's scores for them are thousands apart."""
    module = _scaled(filled(solution.Attention(6, 1), DOUBLE), 100.0, "qkv.weight", "qkv.bias")
    return module(_tokens(6))


def blocks(solution):
    """What a Block makes of tokens with known weights, in float64 and in float32."""
    answer = {setting: _block(solution, setting)(_tokens(BLOCKS[setting][0])) for setting in BLOCKS}
    answer["Block(12, 2)"] = filled(solution.Block(12, 2), DOUBLE)(_tokens(12, batch=3, count=4))
    answer["float32"] = _block(solution, "12 features, 3 heads", torch.float32)(_tokens(12, torch.float32))
    return answer


def blocks_on_faint_tokens(solution):
    """What a Block makes of tokens that hardly differ from zero, and whose branches add as little."""
    answer = {}
    for setting in BLOCKS:
        block = _scaled(_block(solution, setting), 0.01, "attn.proj.weight", "attn.proj.bias")
        answer[setting] = block(_tokens(BLOCKS[setting][0], std=0.01, mean=0.0))
    return answer


def blocks_on_bright_tokens(solution):
    """What a Block makes of tokens whose features lie far from zero and close together."""
    return {setting: _block(solution, setting)(_tokens(BLOCKS[setting][0], mean=60.0)) for setting in BLOCKS}


def net(solution):
    """The logits of a TinyViT with known weights, in float64 and in float32."""
    answer = {setting: _net(solution, setting)(_image_for(NETS[setting], batch=3)) for setting in NETS}
    arguments = NETS["9 patches, 2 blocks"]
    answer["float32"] = filled(solution.TinyViT(*arguments))(_image(6, 2, torch.float32))
    answer["TinyViT()"] = filled(solution.TinyViT(), DOUBLE)(_image(16, 3))
    return answer


def net_on_faint_tokens(solution):
    """The logits of a TinyViT in which all tokens stay close to zero."""
    answer = {}
    for setting, arguments in NETS.items():
        module = _net(solution, setting)
        faint = [name for name in module.state_dict() if name.startswith(("patch_embed.", "cls_token", "pos_embed"))]
        faint += [
            f"blocks.{index}.{layer}.{leaf}"
            for index in range(arguments[5])
            for layer in ("attn.proj", "mlp.fc2")
            for leaf in ("weight", "bias")
        ]
        answer[setting] = _scaled(module, 0.01, *faint)(_image_for(arguments))
    return answer


# ----------------------------------------------------------------------------------------------------------- gradients


def _gradients(module, x):
    x = x.requires_grad_()
    return gradients_of(weighted_sum(module(x)), {"input": x, **dict(module.named_parameters())})


def patch_gradients(solution):
    """The gradients of PatchEmbed's image, weights and biases."""
    return {setting: _gradients(_embed(solution, setting), _image_for(EMBEDS[setting])) for setting in EMBEDS}


def attention_gradients(solution):
    """The gradients of Attention's tokens, weights and biases."""
    return {
        setting: _gradients(_attention(solution, setting), _tokens(ATTENTIONS[setting][0])) for setting in ATTENTIONS
    }


def block_gradients(solution):
    """The gradients of a Block's tokens, weights and biases."""
    return {setting: _gradients(_block(solution, setting), _tokens(BLOCKS[setting][0])) for setting in BLOCKS}


def net_gradients(solution):
    """The gradients of a TinyViT's image and of all it learns."""
    return {setting: _gradients(_net(solution, setting), _image_for(NETS[setting])) for setting in NETS}


def where_gradients_arrive(solution):
    """Whether a gradient reaches the class token, each row of the position table, and each block."""
    module = _net(solution, "9 patches, 2 blocks")
    found = _gradients(module, _image(6, 2))
    rows = _felt(found.get("pos_embed"))
    return {
        "cls_token": any(_felt(found.get("cls_token"))),
        **{f"position {number}": number < len(rows) and rows[number] for number in range(10)},
        **{
            f"block {index}": any(any(_felt(found[name])) for name in found if name.startswith(f"blocks.{index}."))
            for index in range(2)
        },
    }


def _felt(gradient):
    """Return, for each row of the last dimension, whether any of its numbers is more than noise."""
    if gradient is None:
        return [False]
    return (gradient.abs().amax(-1).reshape(-1) > 1e-9).tolist()


# ---------------------------------------------------------------------------------------------------------- invariants


def lit_patches(solution):
    """Which tokens change when one patch of the image is lit, patch after patch."""
    answer = {}
    for setting in ("6 pixels by 2, 3 channels", "8 pixels by 4, 2 channels"):
        size, patch, channels, _ = EMBEDS[setting]
        module, dark = _embed(solution, setting), _image(size, channels, batch=1)
        before = module(dark)
        for row in range(size // patch):
            for column in range(size // patch):
                lit = dark.clone()
                lit[:, :, row * patch : (row + 1) * patch, column * patch : (column + 1) * patch] += 1.0
                moved = (module(lit) - before).abs().amax((0, 2)) > 1e-9
                answer[f"{setting}: row {row}, column {column}"] = moved.nonzero().flatten().tolist()
    return answer


def attention_to_equal_values(solution):
    """What Attention makes of tokens that all have the same value, and what its last layer makes of that value."""
    answer = {}
    for setting, (dim, _) in ATTENTIONS.items():
        module = _attention(solution, setting)
        with torch.no_grad():
            _part(module, "qkv.weight")[2 * dim :] = 0.0
            out = module(_tokens(dim))
            value = _part(module, "qkv.bias")[2 * dim :]  # (D,)
            alone = F.linear(value, _part(module, "proj.weight"), _part(module, "proj.bias"))  # (D,)
        answer[setting] = [out, alone]
    return answer


def reach_of_heads(solution):
    """Which features change when the queries, keys or values of one head change, and the last layer changes nothing."""
    dim, heads = ATTENTIONS["12 features, 3 heads"]
    size = dim // heads
    module, x = _attention(solution, "12 features, 3 heads"), _tokens(12)
    weight = _part(module, "qkv.weight")
    answer = {}
    with torch.no_grad():
        _part(module, "proj.weight").copy_(torch.eye(dim, dtype=DOUBLE))
        _part(module, "proj.bias").zero_()
        before = module(x)
        for part, name in enumerate(("queries", "keys", "values")):
            for head in range(heads):
                rows = slice(part * dim + head * size, part * dim + (head + 1) * size)
                kept = weight[rows].clone()
                weight[rows] *= -0.7
                moved = (module(x) - before).abs().amax((0, 1)) > 1e-9
                answer[f"{name} of head {head}"] = moved.nonzero().flatten().tolist()
                weight[rows] = kept
    return answer


def tokens_in_another_order(solution):
    """What Attention and Block make of tokens in another order, beside what they make of the first order, reordered."""
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    answer = {}
    with torch.no_grad():
        for setting in ATTENTIONS:
            module, x = _attention(solution, setting), _tokens(ATTENTIONS[setting][0])
            answer[f"Attention, {setting}"] = [module(x[:, order].contiguous()), module(x)[:, order]]
        module, x = _block(solution, "12 features, 3 heads"), _tokens(12)
        answer["Block"] = [module(x[:, order].contiguous()), module(x)[:, order]]
    return answer


def shuffled_patches(solution):
    """The logits of an image and of its patches in another order, without positions and with them."""
    answer = {"without positions": [], "with positions": []}
    order = torch.tensor([4, 7, 0, 2, 8, 1, 6, 3, 5])
    image = _image(6, 2)
    cut = image.reshape(2, 2, 3, 2, 3, 2).permute(0, 2, 4, 1, 3, 5).reshape(2, 9, 2, 2, 2)[:, order]
    mixed = cut.reshape(2, 3, 3, 2, 2, 2).permute(0, 3, 1, 4, 2, 5).reshape(2, 2, 6, 6)
    with torch.no_grad():
        for positions, logits in answer.items():
            module = _net(solution, "9 patches, 2 blocks")
            if positions == "without positions":
                _part(module, "pos_embed").zero_()
            logits.extend([module(image), module(mixed)])
    return answer


def silent_blocks(solution):
    """Tokens, and what a Block makes of them when attn.proj and mlp.fc2 are all zero."""
    answer = {}
    for setting in BLOCKS:
        names = [f"{layer}.{leaf}" for layer in ("attn.proj", "mlp.fc2") for leaf in ("weight", "bias")]
        block, x = _scaled(_block(solution, setting), 0.0, *names), _tokens(BLOCKS[setting][0])
        answer[setting] = [x.clone(), block(x)]
    return answer


def company(solution):
    """The logits of three images together, of each alone, and in eval mode."""
    module = _net(solution, "9 patches, 2 blocks").train()
    images = _image(6, 2, batch=3)
    with torch.no_grad():
        together = module(images)
        alone = torch.cat([module(image[None]) for image in images])
        return {"together": together, "alone": alone, "in eval mode": module.eval()(images)}


def untouched_inputs(solution):
    """Whether images and tokens are still what they were after each module has looked at them."""
    image, tokens = _image(6, 2, torch.float32), _tokens(12, torch.float32)
    questions = {
        "PatchEmbed": (filled(solution.PatchEmbed(6, 2, 2, 5)), image),
        "Attention": (filled(solution.Attention(12, 3)), tokens),
        "Block": (filled(solution.Block(12, 3, 1.3)), tokens),
        "TinyViT": (filled(solution.TinyViT(*NETS["9 patches, 2 blocks"])), image),
    }
    answer = {}
    for name, (module, x) in questions.items():
        before = x.clone()
        with torch.no_grad():
            module(x)
        answer[name] = torch.equal(x, before)
    return answer


def start_values(solution):
    """How the numbers of a fresh class token and of a fresh position table are spread, rounded."""
    module = solution.TinyViT(img_size=8, patch_size=2, dim=512, depth=1, mlp_ratio=0.25)
    answer = {}
    for name in ("cls_token", "pos_embed"):
        numbers = _part(module, name)
        answer[name] = {
            "mean": round(float(numbers.mean()), 2),
            "standard deviation": round(float(numbers.std()), 2),
            "any beyond 0.036": bool((numbers.abs() > 0.036).any()),  # no uniform numbers of that deviation go so far
        }
    return answer


# --------------------------------------------------------------------------------------------------------------- edges


def pixels_left_over(solution):
    """What is raised for an img_size that is not a multiple of patch_size."""

    def embed(size, patch):
        return raised_by(lambda: solution.PatchEmbed(size, patch, 2, 5)(_image(size, 2, torch.float32)))

    def net(size, patch):
        return raised_by(lambda: solution.TinyViT(size, patch)(_image(size, 3, torch.float32)))

    sizes = ((10, 4), (9, 2), (7, 6), (4, 8))
    answer = {f"PatchEmbed({size}, {patch})": embed(size, patch) for size, patch in sizes}
    return answer | {f"TinyViT({size}, {patch})": net(size, patch) for size, patch in ((10, 4), (16, 3))}


def features_left_over(solution):
    """What is raised for a dim that is not a multiple of num_heads."""

    def attend(dim, *heads):
        return raised_by(lambda: solution.Attention(dim, *heads)(_tokens(dim, torch.float32)))

    def block(dim, heads):
        return raised_by(lambda: solution.Block(dim, heads)(_tokens(dim, torch.float32)))

    def net(dim, heads):
        return raised_by(lambda: solution.TinyViT(dim=dim, num_heads=heads)(_image(16, 3, torch.float32)))

    answer = {f"Attention({dim}, {heads})": attend(dim, heads) for dim, heads in ((10, 3), (3, 6))}
    answer["Attention(10)"] = attend(10)
    answer |= {f"Block({dim}, {heads})": block(dim, heads) for dim, heads in ((10, 4), (2, 4))}
    return answer | {f"TinyViT(dim={dim}, num_heads={heads})": net(dim, heads) for dim, heads in ((10, 3), (2, 4))}


def wrong_sizes(solution):
    """What is raised for images of another size than img_size, which is 8, with patches of 4."""
    embed, net = solution.PatchEmbed(8, 4, 2, 5), solution.TinyViT(8, 4, 2, 3, 8, 1, 2)
    sizes = ((8, 12), (12, 8), (12, 12), (4, 8), (4, 16), (16, 4), (9, 9), (8, 9), (9, 8), (7, 8), (8, 7), (16, 16))
    answer = {}
    for height, width in sizes:
        image = seeded(2, 2, height, width)
        answer[f"PatchEmbed, {height} by {width}"] = raised_by(lambda image=image: embed(image))
        answer[f"TinyViT, {height} by {width}"] = raised_by(lambda image=image: net(image))
    return answer


def smallest_embeds(solution):
    """The tokens of an image of one patch, of patches of one pixel, of one feature, and of a single image."""
    return {
        "one patch": filled(solution.PatchEmbed(3, 3, 2, 5), DOUBLE)(_image(3, 2)),
        "one pixel per patch": filled(solution.PatchEmbed(3, 1, 2, 5), DOUBLE)(_image(3, 2)),
        "one feature": filled(solution.PatchEmbed(4, 2, 2, 1), DOUBLE)(_image(4, 2)),
        "one image": filled(solution.PatchEmbed(4, 2, 2, 5), DOUBLE)(_image(4, 2, batch=1)),
    }


def smallest_attention(solution):
    """What Attention makes of tokens with one head, one feature per head, one token, one sequence."""
    return {
        "one head": filled(solution.Attention(5, 1), DOUBLE)(_tokens(5)),
        "one feature per head": filled(solution.Attention(5, 5), DOUBLE)(_tokens(5)),
        "one token": filled(solution.Attention(6, 2), DOUBLE)(_tokens(6, count=1)),
        "one sequence": filled(solution.Attention(6, 2), DOUBLE)(_tokens(6, batch=1)),
    }


def smallest_blocks(solution):
    """What Block makes of a single token and of a single sequence."""
    return {
        "one token": filled(solution.Block(8, 2), DOUBLE)(_tokens(8, count=1)),
        "one sequence": filled(solution.Block(8, 2), DOUBLE)(_tokens(8, batch=1)),
    }


def smallest_nets(solution):
    """The logits for one image of one patch, and for one block, one head and one class."""
    return {
        "one image of one patch": filled(solution.TinyViT(4, 4, 2, 3, 8, 1, 2), DOUBLE)(_image(4, 2, batch=1)),
        "one block, one head, one class": filled(solution.TinyViT(6, 2, 1, 1, 4, 1, 1), DOUBLE)(_image(6, 1)),
    }


# ------------------------------------------------------------------------------------------------------------- overfit

IMAGES, STEPS = 50, 60


def _pictures(seed):
    images, labels = stacked(scenes(IMAGES, seed=seed, size=16, max_obj=1))
    return images * 2 - 1, labels  # (50, 3, 16, 16) in [-1, 1], (50,)


def overfit(solution):
    """The loss of a TinyViT that starts from known weights and learns 50 images by heart, and where it ends."""
    images, labels = _pictures(run_seed())
    # Initial values are free, and some good ones need three times the steps: so all start from the same.
    net = filled(solution.TinyViT()).train()
    losses = train(net, lambda step: F.cross_entropy(net(images), labels), steps=STEPS, lr=3e-3, clip=1.0)
    return {
        "losses": losses,
        "weights": state_of(net),
        "activations": activation_statistics(net, lambda: net(images)),
    }


def loss_with_weights(solution, weights):
    """The loss on the same 50 images of a network that has these weights."""
    images, labels = _pictures(run_seed())
    net = solution.TinyViT()
    try:
        net.load_state_dict(weights)
    except RuntimeError:
        return {"fits": False}
    with torch.no_grad():
        logits = net(images)
    return {
        "fits": True,
        "loss": float(F.cross_entropy(logits, labels)),
        "right": int((logits.argmax(1) == labels).sum()),
    }


# ----------------------------------------------------------------------------------------------------------- resources


def sizes(solution):
    """How many numbers blocks and networks learn."""
    return {
        **{f"Block{arguments}": _count(solution.Block(*arguments)) for arguments in BLOCKS.values()},
        **{f"TinyViT{arguments}": _count(solution.TinyViT(*arguments)) for arguments in NETS.values()},
        "TinyViT()": _count(solution.TinyViT()),
    }


def _count(module):
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def traces(solution):
    """What a forward pass in train mode changes: global random state, gradient mode, what the modules learn."""
    questions = {
        "PatchEmbed": (filled(solution.PatchEmbed(6, 2, 2, 5)), _image(6, 2, torch.float32)),
        "Attention": (filled(solution.Attention(12, 3)), _tokens(12, torch.float32)),
        "Block": (filled(solution.Block(12, 3, 1.3)), _tokens(12, torch.float32)),
        "TinyViT": (filled(solution.TinyViT(*NETS["9 patches, 2 blocks"])), _image(6, 2, torch.float32)),
    }
    answer = {}
    for name, (module, x) in questions.items():
        before = state_of(module.train())
        changed = traces_of(lambda module=module, x=x: module(x))
        after = state_of(module)
        same = {key for key in before.keys() & after.keys() if torch.equal(before[key], after[key])}
        answer[name] = [*changed, *sorted((before.keys() | after.keys()) - same)]
    answer["seeds the global generator"] = seeds_anew(lambda: solution.TinyViT(*NETS["9 patches, 2 blocks"]))
    return answer


# ------------------------------------------------------------------------------------------------------------- pictures


def attention_of_the_class_token(solution):
    """Four images that a TinyViT learnt by heart, and how its class token shares out its look in the last block."""
    net = solution.TinyViT()
    net.load_state_dict(overfit(solution)["weights"])
    images, labels = _pictures(run_seed())
    came = []  # what the last block's attention was handed: (B, N+1, D)
    attention = net.get_submodule("blocks.1").attn
    hook = attention.register_forward_pre_hook(lambda module, inputs: came.append(inputs[0]))
    with torch.no_grad():
        guesses = net(images).argmax(1)  # (50,)
        hook.remove()
        q, k, _ = attention.qkv(came[0]).unflatten(2, (3, 4, -1)).permute(2, 0, 3, 1, 4)  # (B, h, N+1, d)
        looks = (q[:, :, :1] @ k.transpose(2, 3) * k.shape[-1] ** -0.5).softmax(-1)  # (B, h, 1, N+1)
    some = [int((labels == kind).nonzero()[0]) for kind in (0, 1, 2)] + [len(labels) - 1]
    return {
        "images": (images[some] + 1) / 2,
        "labels": labels[some],
        "guesses": guesses[some],
        "looks": looks[some].mean(1)[:, 0],  # (4, N+1), the mean over heads; the first is its look at itself
    }
