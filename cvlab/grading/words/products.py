"""What torch says of products, losses and types of numbers that do not go together."""

from __future__ import annotations

from cvlab.grading.words.saying import Saying

PRODUCTS = (
    Saying(
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied ({x:dims} and {w:dims})",
        "{layer} takes {w.first:feature}, but the last size of what it was given is {x.last}.",
        layer="Linear",
    ),
    Saying(
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied ({left:dims} and {right:dims})",
        "You multiplied {left} by {right}, leading sizes taken together: the last size of the left, {left.last}, "
        "must equal the first of the right, {right.first}.",
        layer="",
    ),
    Saying(
        "RuntimeError: Expected size for first two dimensions of batch2 tensor to be: [{b:int}, {k:int}] "
        "but got: [{b:int}, {other:int}]",
        "In a product of stacks of matrices, the last size of the left is {k} and the second last of the right "
        "{other}: they must be equal (is a transpose missing?).",
    ),
    Saying(
        "RuntimeError: Expected size for first two dimensions of batch2 tensor to be: [{b:int}, {k:int}] "
        "but got: [{other:int}, {k:int}]",
        "In a product of stacks of matrices, the left stack holds {b} and the right one {other}: "
        "they must hold as many.",
    ),
    Saying(
        "RuntimeError: size mismatch, got input ({_:int}), mat ({left:dims}), vec ({right:int})",
        "You multiplied a matrix {left} by a vector of {right:number}, which must have {left.last}.",
    ),
    Saying(
        "RuntimeError: inconsistent tensor size, expected tensor [{left:int}] and src [{right:int}] to have the same",
        "You multiplied two vectors, one of {left:number}, the other of {right}: they must have as many.",
    ),
    Saying(
        "RuntimeError: einsum(): subscript {letter:name} has size {other:int} for operand {n:int} which does not "
        "broadcast with previously seen size {size:int}",
        "In einsum, the letter {letter} stands for size {size} first and for {other} later: one letter is one size.",
    ),
    Saying(
        "RuntimeError: einsum(): the number of subscripts in the equation ({letters:int}) does not match the number "
        "of dimensions ({n:int}) for operand {which:int}",
        "In einsum, tensor {which} (counted from 0) has {n:dimension}, but its part of the formula has "
        "{letters:letter}.",
    ),
    Saying(
        "RuntimeError: X1 and X2 must have the same number of columns. X1: {left:int} X2: {right:int}",
        "cdist was given points of {left:number} and points of {right}: they must have as many.",
    ),
)

LOSSES = (
    Saying(
        "RuntimeError: expected target dtype to be Long or Byte, but got {dtype:dtype}",
        "The loss takes class numbers as int64, which .long() makes, but its targets came as {dtype}.",
    ),
    Saying(
        "IndexError: Target {target:int} is out of bounds",
        "A target is class {target}, but classes go from 0 to the number of logits minus 1 (only ignore_index may be "
        "another number).",
    ),
    Saying(
        "ValueError: Expected input batch_size ({a:int}) to match target batch_size ({b:int})",
        "The loss was given {a} predictions, but {b} targets.",
    ),
    Saying(
        "RuntimeError: only batches of spatial targets supported (3D tensors) but got targets of dimension: {n:int}",
        "For logits (B, C, H, W) the targets are (B, H, W), 3 dimensions, but they came with {n}.",
    ),
    Saying(
        "RuntimeError: size mismatch (got input: [{x:shape}] , target: [{y:shape}]",
        "The loss was given logits {x} and targets {y}: all but the class dimension must be equal.",
    ),
    Saying(
        "RuntimeError: Expected floating point type for target with class probabilities, got {dtype:dtype}",
        "Targets of the same shape as the logits are taken as probabilities, which are not {dtype}; class numbers "
        "have no class dimension.",
    ),
    Saying(
        "RuntimeError: 0D or 1D target tensor expected, multi-target not supported",
        "For logits (B, C) the targets are (B,), one class for each, but they came with another dimension.",
    ),
    Saying(
        "NotImplementedError: \"log_softmax_{_:name}\" not implemented for '{dtype:dtype}'",
        "A softmax was asked of {dtype}: it takes logits in floating point (are prediction and target in their "
        "places?).",
    ),
    Saying(
        "RuntimeError: all elements of input should be between 0 and 1",
        "binary_cross_entropy takes probabilities, from 0 to 1; logits go to binary_cross_entropy_with_logits.",
    ),
    Saying(
        "ValueError: Target size (torch.Size([{y:shape}])) must be the same as input size (torch.Size([{x:shape}]))",
        "The loss was given predictions of shape {x} and targets of shape {y}: they must be equal.",
    ),
    Saying(
        "ValueError: Using a target size (torch.Size([{y:shape}])) that is different to the input size "
        "(torch.Size([{x:shape}]))",
        "The loss was given predictions of shape {x} and targets of shape {y}: they must be equal.",
    ),
    Saying(
        "ValueError: {word:word} is not a valid value for reduction",
        "The loss knows no reduction {word}: there are mean, sum and none.",
    ),
)

TYPES = (
    Saying(
        "RuntimeError: mat1 and mat2 must have the same dtype, but got {x:dtype} and {w:dtype}",
        "{layer} has weights in {w}, but was given {x}: both must be the same.",
        layer="Linear",
    ),
    Saying(
        "RuntimeError: mat1 and mat2 must have the same dtype, but got {x:dtype} and {w:dtype}",
        "A product of {x} and {w} was asked for: both must be the same, as after x.to(w.dtype).",
    ),
    Saying(
        "RuntimeError: expected m1 and m2 to have the same dtype, but got: {x:dtype} != {w:dtype}",
        "You multiplied {x} by {w}: both must be the same, as after x.to(w.dtype).",
        layer="",
    ),
    Saying(
        "RuntimeError: dot : expected both vectors to have same dtype, but found {x:dtype} and {w:dtype}",
        "You multiplied {x} by {w}: both must be the same, as after x.to(w.dtype).",
    ),
    Saying(
        "RuntimeError: expected scalar type {x:dtype} but found {w:dtype}",
        "Two tensors that are computed with together are {x} and {w}: they must be the same, as after x.to(w.dtype).",
    ),
    Saying(
        "RuntimeError: Input type ({x:dtype}) and bias type ({w:dtype}) should be the same",
        "{layer:A convolution} has weights in {w}, but was given {x}: both must be the same.",
    ),
    Saying(
        "RuntimeError: Input type ({x:dtype}) and weight type ({w:dtype}) should be the same",
        "{layer:A convolution} has weights in {w}, but was given {x}: both must be the same.",
    ),
    Saying(
        "RuntimeError: mixed dtype (CPU): all inputs must share same datatype",
        "{layer:A norm} has weights of another type than the numbers it was given, as float32 and float64: "
        "both must be the same.",
    ),
    Saying(
        "RuntimeError: mean(): could not infer output dtype. Input dtype must be either a floating point or complex "
        "dtype. Got: {dtype:dtype}",
        "The mean of {dtype} was asked for: make it floating point first, as .float() does.",
    ),
    Saying(
        "RuntimeError: linalg.vector_norm: Expected a floating point or complex tensor as input. Got {dtype:dtype}",
        "The norm of {dtype} was asked for: make it floating point first, as .float() does.",
    ),
    Saying(
        "NotImplementedError: \"bitwise_{_:name}\" not implemented for '{dtype:dtype}'",
        "& and | were given {dtype}: they take masks, and each comparison needs brackets, as in (a > 0) & (b < 1).",
    ),
    Saying(
        "NotImplementedError: \"{function:name}\" not implemented for '{dtype:dtype}'",
        "This cannot be computed for {dtype} ({function}): convert the tensor first, as .float() does.",
    ),
    Saying(
        "NotImplementedError: Subtraction, the `-` operator, with",
        "A mask (True and False) was subtracted: ~mask turns it round, .float() makes numbers of it.",
    ),
    Saying(
        "NotImplementedError: Negation, the `-` operator, on a bool tensor",
        "A mask (True and False) was given a minus sign: ~mask turns it round, .float() makes numbers of it.",
    ),
    Saying(
        "TypeError: ~ (operator.invert) is only implemented on integer and Boolean-type tensors",
        "~ turns a mask round, but was given floating-point numbers: compare first, as in ~(x > 0).",
    ),
    Saying(
        "RuntimeError: result type {x:dtype} can't be cast to the desired output type {y:dtype}",
        "A result in {x} was to be kept in a tensor of {y}, where it does not fit: make that one {x} first.",
    ),
    Saying(
        "RuntimeError: Index put requires the source and destination dtypes match, got {y:dtype} for the destination "
        "and {x:dtype} for the source",
        "Numbers of type {x} were written into a tensor of {y}: both must be the same.",
    ),
    Saying(
        "RuntimeError: scatter(): Expected self.dtype to be equal to src.dtype",
        "scatter was given numbers of another type than its tensor has: both must be the same.",
    ),
    Saying(
        "RuntimeError: masked_fill_ only supports boolean masks, but got mask with dtype {dtype:dtype}",
        "masked_fill takes a mask of True and False, which a comparison gives or .bool(), but was given {dtype}.",
    ),
    Saying(
        "RuntimeError: where expected condition to be a boolean tensor, but got a tensor with dtype {dtype:dtype}",
        "where takes a mask of True and False, which a comparison gives or .bool(), but was given {dtype}.",
    ),
    Saying(
        "RuntimeError: Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; "
        "but got {dtype:dtype} instead",
        "An embedding takes whole numbers as its index, which .long() makes, but was given {dtype}.",
    ),
    Saying(
        "RuntimeError: Only Tensors of floating point and complex dtype can require gradients",
        "Whole numbers and masks have no gradients: a tensor that learns is floating point.",
    ),
    Saying(
        "RuntimeError: only Tensors of floating point dtype can require gradients",
        "Whole numbers and masks have no gradients: a tensor that learns is floating point.",
    ),
    Saying(
        "RuntimeError: Tensor on device {other:word} is not on the expected device {device:name}!",
        "Two tensors that are computed with together are on different devices, {device} and {other}: "
        "make new ones where the input is, with device=x.device.",
    ),
    Saying(
        "RuntimeError: Found no NVIDIA driver on your system",
        "A GPU was asked for, but drills are checked without one: make tensors where the input is, with "
        "device=x.device.",
    ),
    Saying(
        "RuntimeError: Cannot re-initialize CUDA in forked subprocess",
        "A GPU was asked for, but drills are checked without one: make tensors where the input is, with "
        "device=x.device.",
    ),
    Saying(
        "AssertionError: Torch not compiled with CUDA enabled",
        "A GPU was asked for, but drills are checked without one: make tensors where the input is, with "
        "device=x.device.",
    ),
    Saying(
        "RuntimeError: PyTorch is not linked with support for mps devices",
        "A GPU was asked for, but drills are checked without one: make tensors where the input is, with "
        "device=x.device.",
    ),
    Saying(
        "RuntimeError: Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, "
        "lazy, vulkan, mps, meta, hpu, mtia, privateuseone device type at start of device string: {device:word}",
        "There is no device called {device}; the input's own is x.device.",
    ),
    Saying(
        "RuntimeError: Tensor.item() cannot be called on meta tensors",
        "A tensor on device meta has a shape but no numbers, so none can be read.",
    ),
)
