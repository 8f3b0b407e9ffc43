"""What torch says where gradients are cut off, broken or asked for twice, and where one number is needed."""

from __future__ import annotations

from cvlab.grading.words.saying import Saying

GRADIENTS = (
    Saying(
        "RuntimeError: one of the variables needed for gradient computation has been modified by an inplace operation: "
        "[{_:word} [{x:shape}]]",
        "A tensor of shape {x} was changed in place (+=, x[...] = or a name ending in _) though a gradient still needs "
        "what it was: make a new one, as in y = y + 1.",
    ),
    Saying(
        "RuntimeError: a leaf Variable that requires grad is being used in an in-place operation",
        "A tensor that gradients are asked for, an input or a parameter, was changed in place: make a new one, or, "
        "to set weights, do it under torch.no_grad().",
    ),
    Saying(
        "RuntimeError: a view of a leaf Variable that requires grad is being used in an in-place operation",
        "A part of a tensor that gradients are asked for, an input or a parameter, was changed in place: make a new "
        "one, or, to set weights, do it under torch.no_grad().",
    ),
    Saying(
        "RuntimeError: Output {n:int} of {function:name} is a view and is being modified inplace",
        "A part that {function} gave was changed in place, which would change the whole: make a new one, "
        "as in y = y + 1.",
    ),
    Saying(
        "RuntimeError: unsupported operation: more than one element of the written-to tensor refers to a single memory "
        "location",
        "An expanded tensor was changed in place, though it holds the same number many times: clone() it first.",
    ),
    Saying(
        "RuntimeError: Trying to backward through the graph a second time",
        "Gradients were asked for twice through the same computation, which the first time has thrown away: compute "
        "the loss anew, or give the first retain_graph=True.",
    ),
    Saying(
        "RuntimeError: element {_:int} of tensors does not require grad and does not have a grad_fn",
        "Gradients were asked of a number that depends on nothing that learns: is all frozen, or was it cut off by "
        "detach(), .item(), no_grad() or a new torch.tensor(...)?",
    ),
    Saying(
        "RuntimeError: grad can be implicitly created only for scalar outputs",
        "Gradients start at a single number, so take .mean() or .sum() first.",
    ),
    Saying(
        "RuntimeError: The differentiated Tensor at index {n:int} appears to not have been used in the graph",
        "A gradient was asked for tensor {n} (counted from 0), which had no part in the result; allow_unused=True "
        "would give None for it, materialize_grads=True zeros.",
    ),
    Saying(
        "RuntimeError: One of the differentiated Tensors does not require grad",
        "A gradient was asked for a tensor that records none, a frozen one perhaps.",
    ),
    Saying(
        "RuntimeError: Can't call numpy() on Tensor that requires grad",
        "numpy was given a tensor that records gradients: detach() it first.",
    ),
    Saying(
        "TypeError: can't convert meta device type tensor to numpy",
        "A tensor on device meta has a shape but no numbers, so none can be read.",
    ),
    Saying(
        "RuntimeError: Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol",
        "deepcopy met a computed tensor that records gradients, perhaps one kept as an attribute: detach() it.",
    ),
    Saying(
        "RuntimeError: you can only change requires_grad flags of leaf variables",
        "A computed tensor cannot be frozen: freeze the parameters it comes from, or detach() it.",
    ),
    Saying(
        "RuntimeError: Boolean value of Tensor with more than one value is ambiguous",
        "nn.ReLU(x) makes a layer and takes x for a setting: make it first, then call it, as in nn.ReLU()(x).",
        layer="ReLU",
    ),
    Saying(
        "RuntimeError: Boolean value of Tensor with more than one value is ambiguous",
        "if, and, or, not, in and max() need one True or False, but got a tensor of several: .all() or .any() make "
        "one of them, & | ~ and torch.maximum() work on each.",
    ),
    Saying(
        "RuntimeError: Boolean value of Tensor with no values is ambiguous",
        "A True or False was needed, but the tensor is empty.",
    ),
    Saying(
        "RuntimeError: a Tensor with {n:int} elements cannot be converted to Scalar",
        ".item() takes a tensor of one number, but this one has {n}.",
    ),
    Saying(
        "ValueError: only one element tensors can be converted to Python scalars",
        "A single number was needed, as by float(), int() and torch.tensor([...]), but a tensor of several came "
        "(torch.stack makes one tensor of many).",
    ),
    Saying(
        "TypeError: only integer tensors of a single element can be converted to an index",
        "A single whole number was needed, as by range() and by the index of a list, but another kind of tensor came.",
    ),
    Saying(
        "ValueError: expected sequence of length {a:int} at dim {n:int} (got {b:int})",
        "A tensor was to be made of lists of different lengths, {a} and {b}.",
    ),
    Saying("RuntimeError: Could not infer dtype of NoneType", "A tensor was to be made of None."),
)
