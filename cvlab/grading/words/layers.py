"""What torch says of layers, of how they are made and put together, and of functions called in a wrong way."""

from __future__ import annotations

from cvlab.grading.words.saying import Saying

LAYERS = (
    Saying(
        "RuntimeError: Given groups={groups:int}, weight of size [{w:shape}], expected input[{x:shape}] to have "
        "{takes:int} channels, but got {got:int} channels instead",
        "{layer:A convolution} takes {takes:channel}, but was given {got}.",
    ),
    Saying(
        "RuntimeError: Given transposed=1, weight of size [{w:shape}], expected input[{x:shape}] to have {takes:int} "
        "channels, but got {got:int} channels instead",
        "{layer:A transposed convolution} takes {takes:channel}, but was given {got}.",
    ),
    Saying(
        "RuntimeError: Expected 3D (unbatched) or 4D (batched) input to {function:name}, but got input of size: "
        "[{x:shape}]",
        "{layer:A convolution} takes images, (B, C, H, W), but was given a tensor of shape {x}.",
    ),
    Saying(
        "RuntimeError: Calculated padded input size per channel: ({x:dims}). Kernel size: ({kernel:dims}). Kernel "
        "size can't be greater",
        "{layer:A convolution} has a kernel of {kernel}, larger than the map it was given, which is {x} with its "
        "padding.",
    ),
    Saying(
        "RuntimeError: Given input size: ({x:dims}). Calculated output size: ({out:dims}). Output size is too small",
        "{layer:A pooling layer} would leave nothing of the map it was given: {x} would become {out}.",
    ),
    Saying(
        "RuntimeError: non-positive stride is not supported",
        "{layer:A layer} has a stride of 0 or less: it must be 1 or more.",
    ),
    Saying(
        "RuntimeError: Trying to create tensor with negative dimension {size:int}: [{shape:shape}]",
        "A tensor of shape {shape} was to be made, but a size cannot be {size}.",
    ),
    Saying(
        "ValueError: in_channels must be divisible by groups",
        "A convolution with groups needs a number of input channels that its groups divide.",
    ),
    Saying(
        "ValueError: num_channels ({channels:int}) must be divisible by num_groups ({groups:int})",
        "GroupNorm cannot part {channels:channel} into {groups} groups of the same size.",
    ),
    Saying(
        "AssertionError: embed_dim must be divisible by num_heads",
        "MultiheadAttention cannot part its features into heads of the same size: num_heads must divide embed_dim.",
    ),
    Saying(
        "RuntimeError: running_mean should contain {got:int} elements not {takes:int}",
        "{layer:A batch norm} is made for {takes:channel}, but was given {got}.",
    ),
    Saying(
        "ValueError: expected 4D input (got {got:int}D input)",
        "{layer:A batch norm} takes 4 dimensions, (B, C, H, W), but was given {got}.",
    ),
    Saying(
        "ValueError: expected 2D or 3D input (got {got:int}D input)",
        "{layer:A batch norm} takes 2 or 3 dimensions, (B, C) or (B, C, L), but was given {got}.",
    ),
    Saying(
        "ValueError: Expected more than 1 value per channel when training, got input size torch.Size([{x:shape}])",
        "{layer:A batch norm} in train mode needs more than one number per channel, but was given {x}.",
    ),
    Saying(
        "RuntimeError: Given normalized_shape=[{takes:shape}], expected input with shape [*, {_:shape}], but got input "
        "of size[{x:shape}]",
        "{layer:A layer norm} is made for last sizes of {takes}, but was given a tensor of shape {x}.",
    ),
    Saying(
        "ValueError: Fan in and fan out can not be computed for tensor with fewer than 2 dimensions",
        "This way to begin weights is for those with two dimensions or more; a bias or a norm has one.",
    ),
    Saying(
        "NotImplementedError: Got {got:int}D input, but {mode:name} mode needs {takes:int}D input",
        "interpolate in mode {mode} takes {takes:dimension}, (B, C, H, W), but was given {got}.",
    ),
    Saying(
        "NotImplementedError: Input Error: Only 3D, 4D and 5D input Tensors supported (got {n:int}D) for the modes: "
        "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact (got {mode:word})",
        "interpolate knows no mode {mode} for {n:dimension}; for images it knows nearest and bilinear.",
    ),
    Saying(
        "ValueError: either size or scale_factor should be defined",
        "interpolate was told neither a size nor a scale_factor.",
    ),
)

MODULES = (
    Saying(
        "AttributeError: cannot assign {_:name} before Module.__init__() call",
        "super().__init__() has not run yet: it must be the first line of __init__, with both pairs of brackets.",
    ),
    Saying(
        "AttributeError: '{cls:name}' object has no attribute '{_:of_modules}'",
        "{cls} has not run super().__init__(), which must be the first line of its __init__.",
    ),
    Saying(
        'NotImplementedError: Module [ModuleList] is missing the required "forward" function',
        "A ModuleList is a list: call its layers one after the other, or use nn.Sequential.",
    ),
    Saying(
        'NotImplementedError: Module [{cls:name}] is missing the required "forward" function',
        "{cls} has no method forward: it must have exactly this name and stand inside the class.",
    ),
    Saying(
        "TypeError: list is not a Module subclass",
        "nn.Sequential was given a list: it takes the layers themselves, as in nn.Sequential(*layers).",
    ),
    Saying(
        "TypeError: torch.nn.modules.{_:path} is not a Module subclass",
        "A layer's class stands where a layer should: brackets behind its name make one, as in nn.ReLU().",
    ),
    Saying(
        "TypeError: torch._VariableFunctionsClass.{function:name} is not a Module subclass",
        "A container of layers was given the function torch.{function}: it takes layers, as nn.ReLU() is one.",
    ),
    Saying(
        "TypeError: {kind:word} is not a Module subclass",
        "A container of layers was given something that is no layer (its type is {kind}).",
    ),
    Saying(
        "TypeError: cannot assign '{kind:text}' as parameter '{name:name}' (torch.nn.Parameter or None expected)",
        "{name} is a parameter and can only be replaced by one: wrap the tensor, as in nn.Parameter(w).",
    ),
    Saying(
        "TypeError: cannot assign '{kind:text}' as child module '{name:name}'",
        "{name} is a layer and can only be replaced by one, not by something of type {kind}.",
    ),
    Saying(
        "AttributeError: {cls:name} has no attribute `{name:name}`",
        "{cls} has no part called {name}.",
    ),
    Saying(
        "RuntimeError: Error(s) in loading state_dict for {cls:name}",
        "The weights to be loaded do not have the names and shapes of those of {cls}.",
    ),
    Saying(
        "ValueError: optimizer got an empty parameter list",
        "The optimizer was given no parameters: those of layers in a plain list are not found (nn.ModuleList), and a "
        "generator is empty once it was gone through.",
    ),
    Saying(
        "TypeError: params argument given to the optimizer should be an iterable of Tensors or dicts",
        "The optimizer was given one tensor: it takes a list of them, or model.parameters().",
    ),
    Saying(
        "ValueError: can't optimize a non-leaf Tensor",
        "The optimizer was given a computed tensor: it takes parameters.",
    ),
    Saying(
        "TypeError: optimizer can only optimize Tensors, but one of the params is {kind:word}",
        "The optimizer was given something that is no tensor (its type is {kind}): it takes model.parameters().",
    ),
    Saying("ValueError: Invalid learning rate: {lr:word}", "The optimizer was given a learning rate of {lr}."),
)

ARGUMENTS = (
    Saying(
        "TypeError: {function:name}() received an invalid combination of arguments - got (NoneType,",
        "{layer:{function}} was given None instead of a tensor: a function that ends without return gives None.",
    ),
    Saying(
        "TypeError: conv2d() received an invalid combination of arguments - got ({kind:word}, Parameter,",
        "{layer:A convolution} was given something that is no tensor (its type is {kind}).",
    ),
    Saying(
        "TypeError: {function:name}() received an invalid combination of arguments - got (",
        "{function} was called with arguments that it does not take, or that are of the wrong type.",
    ),
    Saying(
        "TypeError: {function:name}(): argument 'input' (position 1) must be Tensor, not NoneType",
        "{layer:{function}} was given None instead of a tensor: a function that ends without return gives None.",
    ),
    Saying(
        "TypeError: {function:name}(): argument 'input' (position 1) must be Tensor, not {kind:word}",
        "{function} takes a tensor, but was given something else (its type is {kind}).",
    ),
    Saying(
        "TypeError: {function:name}(): argument 'size' (position {_:int}) must be tuple of ints, but found element of "
        "type float",
        "A size is a float: sizes are whole numbers, which // gives and / does not.",
    ),
    Saying(
        "TypeError: {function:name}(): argument '{argument:name}' failed to unpack the object at pos {_:int} with "
        'error "type must be tuple of ints,but got float"',
        "A size is a float: sizes are whole numbers, which // gives and / does not.",
    ),
    Saying(
        "TypeError: {function:name}(): argument '{argument:name}' (position {_:int}) must be {takes:words}, not "
        "{kind:word}",
        "{function} takes {takes} as its {argument}, but was given something of type {kind}.",
    ),
    Saying(
        'TypeError: {function:name}() missing 1 required positional arguments: "{argument:name}"',
        "{function} has to be told its {argument}.",
    ),
    Saying(
        "RuntimeError: torch.clamp: At least one of 'min' or 'max' must not be None",
        "clamp was given neither a min nor a max.",
    ),
)
