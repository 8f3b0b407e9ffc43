"""What torch says of shapes and indices that do not go together."""

from __future__ import annotations

from cvlab.grading.words.saying import Saying

SHAPES = (
    Saying(
        "RuntimeError: The size of tensor a ({a:int}) must match the size of tensor b ({b:int}) at non-singleton "
        "dimension {n:int}",
        "Two tensors do not go together: in dimension {n} of the result (counted from 0) one has size {a}, "
        "the other {b}, and only equal sizes, or a 1, would do.",
    ),
    Saying(
        "RuntimeError: output with shape [{x:shape}] doesn't match the broadcast shape [{y:shape}]",
        "What is done in place (+= and the like) must leave the shape {x} as it is, but the result has shape {y}.",
    ),
    Saying(
        "RuntimeError: The expanded size of the tensor ({to:int}) must match the existing size ({size:int}) at "
        "non-singleton dimension {n:int}.  Target sizes: [{y:shape}].  Tensor sizes: [{x:shape}]",
        "A tensor of shape {x} cannot be spread over {y}: only a size of 1 can be repeated, and one of {size} is to "
        "become {to}.",
    ),
    Saying(
        "RuntimeError: expand({_:word}{{[{x:shape}]}}, size=[{y:shape}]): the number of sizes provided ({n:int}) must "
        "be greater or equal",
        "expand was asked to turn {x} into {y}: it can add dimensions in front, but take none away.",
    ),
    Saying(
        "RuntimeError: shape '[{y:shape}]' is invalid for input of size {count:int}",
        "The shape {y} {y.holds}, but the tensor has {count}.",
    ),
    Saying(
        "RuntimeError: only one dimension can be inferred",
        "Only one size of a new shape can be -1, which stands for whatever is left.",
    ),
    Saying(
        "RuntimeError: view size is not compatible with input tensor's size and stride",
        "view cannot follow permute, transpose or a slice, after which the numbers no longer lie in a row: "
        "use reshape.",
    ),
    Saying(
        "RuntimeError: unflatten: Provided sizes [{y:shape}] don't multiply up to the size of dim {n:int} ({size:int})",
        "Dimension {n} has size {size} and cannot be parted into {y}, which is {y.numbers:number}.",
    ),
    Saying(
        "RuntimeError: flatten() has invalid args: start_dim cannot come after end_dim",
        "flatten was asked to begin at a dimension behind the one where it ends.",
    ),
    Saying(
        "RuntimeError: permute(sparse_coo): number of dimensions in the tensor input does not match the length of the "
        "desired ordering of dimensions i.e. input.dim() = {n:int} is not equal to len(dims) = {named:int}",
        "permute names every dimension once: the tensor has {n}, but {named} were named.",
    ),
    Saying(
        "RuntimeError: permute(): duplicate dims are not allowed",
        "permute names every dimension once, but one was named twice.",
    ),
    Saying(
        "RuntimeError: dim {n:int} appears multiple times in the list of dims",
        "Dimension {n} was named twice.",
    ),
    Saying(
        "RuntimeError: Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor",
        "repeat takes one number for each dimension of the tensor, and was given fewer.",
    ),
    Saying(
        "RuntimeError: split_with_sizes expects split_sizes to sum exactly to {size:int} (input tensor's size at "
        "dimension {n:int}), but got split_sizes=[{y:shape}]",
        "split was asked for parts of {y}, which is {y.total} in all, but dimension {n} has size {size}.",
    ),
    Saying(
        "RuntimeError: Sizes of tensors must match except in dimension {n:int}. Expected size {a:int} but got size "
        "{b:int} for tensor number {which:int} in the list",
        "Tensors are joined along dimension {n}, so all other sizes must be equal, but tensor {which} of the list "
        "(counted from 0) has a {b} where the first has {a}.",
    ),
    Saying(
        "RuntimeError: Tensors must have same number of dimensions: got {a:int} and {b:int}",
        "Tensors of {a} and of {b} dimensions cannot be joined: they must have as many.",
    ),
    Saying(
        "RuntimeError: zero-dimensional tensor (at position {n:int}) cannot be concatenated",
        "cat was given single numbers, which have no dimension to be joined along: stack makes one tensor of them.",
    ),
    Saying(
        "RuntimeError: stack expects each tensor to be equal size, but got [{a:shape}] at entry 0 and [{b:shape}] at "
        "entry {n:int}",
        "stack takes tensors of one shape, but the first has {a} and number {n} (counted from 0) has {b}.",
    ),
    Saying("RuntimeError: stack expects a non-empty TensorList", "stack was given an empty list."),
    Saying("ValueError: torch.cat(): expected a non-empty list of Tensors", "cat was given an empty list."),
    Saying(
        "TypeError: {function:name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {kind:word}",
        "{function} takes a list of tensors, as in {function}([a, b]), but was given something else ({kind}).",
    ),
    Saying(
        "TypeError: expected Tensor as element {n:int} in argument 0, but got NoneType",
        "Item {n} (counted from 0) of a list of tensors is None: a function that ends without return gives None.",
    ),
    Saying(
        "TypeError: expected Tensor as element {n:int} in argument 0, but got float",
        "Item {n} (counted from 0) of a list of tensors is a plain number: was .item() called too early?",
    ),
    Saying(
        "TypeError: expected Tensor as element {n:int} in argument 0, but got {kind:word}",
        "Item {n} (counted from 0) of a list of tensors is no tensor (its type is {kind}).",
    ),
)

INDICES = (
    Saying(
        "IndexError: Dimension out of range (expected to be in range of [{first:int}, {last:int}], but got {got:int})",
        "Dimension {got} was asked of a tensor whose dimensions go from 0 to {last}, or from {first} to -1.",
    ),
    Saying(
        "IndexError: too many indices for tensor of dimension {n:int}",
        "A tensor of {n:dimension} was indexed by more than {n} indices (or by a word, which only a dict knows).",
    ),
    Saying(
        "IndexError: invalid index of a 0-dim tensor",
        "A tensor that is a single number was indexed; it has no dimension.",
    ),
    Saying(
        "{_:name}: index {index:int} is out of bounds for dimension {n:int} with size 0",
        "An index is {index}, but dimension {n} is empty.",
    ),
    Saying(
        "{_:name}: index {index:int} is out of bounds for dimension {n:int} with size {size:int}",
        "An index is {index}, but dimension {n} has size {size}: the last index is {size.before}.",
    ),
    Saying(
        "IndexError: index out of range in self",
        "An index is negative or too large for the table it looks into (an embedding, or index_select).",
    ),
    Saying(
        "IndexError: out of range: tried to access index {index:int} on a tensor of {size:int} elements",
        "An index is {index}, but the tensor has {size:number}: the last index is {size.before}.",
    ),
    Saying(
        "IndexError: The shape of the mask [{mask:shape}] at index {_:int} does not match the shape of the indexed "
        "tensor [{x:shape}]",
        "A mask of shape {mask} cannot choose from a tensor of shape {x}: where both have a size, it must be the same.",
    ),
    Saying(
        "IndexError: only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
        "(got {kind:word})",
        "A tensor was indexed by something of type {kind}: an index is a whole number, which // gives and / does not.",
    ),
    Saying(
        "IndexError: tensors used as indices must be long, int, byte or bool tensors",
        "A tensor of floating-point numbers was used as an index: .long() makes whole numbers, a comparison a mask.",
    ),
    Saying(
        "RuntimeError: Index tensor must have the same number of dimensions as input tensor",
        "gather and scatter take an index with as many dimensions as the tensor has.",
    ),
    Saying(
        "RuntimeError: gather(): Expected dtype int32/int64 for index",
        "gather takes whole numbers as its index, which .long() makes.",
    ),
    Saying("RuntimeError: selected index k out of range", "topk was asked for more numbers than the dimension has."),
    Saying(
        "RuntimeError: max(): Expected reduction dim to be specified for input.numel() == 0",
        "The largest number of an empty tensor was asked for.",
    ),
    Saying(
        "IndexError: {function:name}(): Expected reduction dim {_:int} to have non-zero size",
        "{function} was asked of a dimension that is empty.",
    ),
    Saying(
        "RuntimeError: Class values must be smaller than num_classes",
        "one_hot was given a class that is num_classes or more: they go from 0 to num_classes - 1, so 255 for "
        "“ignore” must be replaced first.",
    ),
    Saying("RuntimeError: Class values must be non-negative", "one_hot was given a class below 0."),
    Saying(
        "RuntimeError: one_hot is only applicable to index tensor of type LongTensor",
        "one_hot takes classes as int64, which .long() makes.",
    ),
)
