"""What Python says when it raises: names, attributes, arguments, None, and things of the wrong kind."""

from __future__ import annotations

from cvlab.grading.words.saying import Saying

# ------------------------------------- no line of the submission was under way: what it gave back, or how it is called

GIVEN_BACK = (
    Saying(
        "AttributeError: 'NoneType' object has no attribute '{name:name}'",
        "Your code gave back None where something was expected (its {name} was asked for): does every function "
        "that should end with return?",
        layer="",
        outside=True,
    ),
    Saying(
        "AttributeError: '{kind:layer}' object has no attribute '{name:of_tensors}'",
        "Your code gave back a layer ({kind}) instead of what it computes: call it, as in self.head(x).",
        outside=True,
    ),
    Saying(
        "AttributeError: '{kind:plain}' object has no attribute '{name:of_tensors}'",
        "Your code gave back something of type {kind} where a tensor was expected (its {name} was asked for).",
        outside=True,
    ),
    Saying(
        "AttributeError: '{cls:name}' object has no attribute '{name:name}'",
        "The check looks for {name} in your {cls}, which has none.",
        outside=True,
    ),
    Saying("KeyError: '{key:text}'", "The check looks for {key} in what your code gave back.", outside=True),
    Saying(
        "TypeError: {function:path}() got an unexpected keyword argument '{name:name}'",
        "The check calls {function} with {name}=..., which its def line does not have.",
        outside=True,
    ),
)

# --------------------------------------------------------------------------------------------------------------- None

NONE = (
    Saying(
        "AttributeError: 'NoneType' object has no attribute '{name:name}'",
        "{layer:Something} was given None instead of a tensor: a function that ends without return gives None.",
        layer="BatchNorm2d",
    ),
    Saying(
        "AttributeError: 'NoneType' object has no attribute '{name:name}'",
        "The {name} of None was asked for: a function that ends without return gives None, and a layer with "
        "bias=False has None for its bias.",
    ),
    Saying(
        "TypeError: unsupported operand type(s) for {operator:operator}: 'NoneType' and '{_:text}'",
        "The left side of {operator} is None: a function that ends without return gives None.",
    ),
    Saying(
        "TypeError: unsupported operand type(s) for {operator:operator}: '{_:text}' and 'NoneType'",
        "The right side of {operator} is None: a function that ends without return gives None.",
    ),
    Saying(
        "TypeError: 'NoneType' object is not callable",
        "None was called as if it were a function or a layer: what it should be was never set.",
    ),
    Saying(
        "TypeError: 'NoneType' object is not {_:name}",
        "None was used as if it were a list or a tensor: a function that ends without return gives None.",
    ),
    Saying(
        "TypeError: cannot unpack non-iterable NoneType object",
        "Several values were expected, but None came: a function that ends without return gives None.",
    ),
    Saying(
        "TypeError: object of type 'NoneType' has no len()",
        "The length of None was asked for: a function that ends without return gives None.",
    ),
)

# --------------------------------------------------------------------------------------------------- names, attributes

NAMES = (
    Saying(
        "AttributeError: 'torch.return_types.{function:name}' object has no attribute '{_:name}'",
        "{function} with a dim gives two tensors, the values and where they are: take .values.",
    ),
    Saying(
        "TypeError: unsupported operand type(s) for {_:operator}: '{__:text}' and 'torch.return_types.{function:name}'",
        "{function} with a dim gives two tensors, the values and where they are: take .values.",
    ),
    Saying(
        "TypeError: unsupported operand type(s) for {_:operator}: 'torch.return_types.{function:name}' and",
        "{function} with a dim gives two tensors, the values and where they are: take .values.",
    ),
    Saying(
        "AttributeError: '{kind:layer}' object has no attribute '{name:of_tensors}'",
        "{name} was asked of a layer ({kind}) instead of a tensor: make the layer first, then call it, as in "
        "nn.ReLU()(x).",
    ),
    Saying(
        "TypeError: unsupported operand type(s) for {operator:operator}: '{kind:layer}' and '{_:text}'",
        "The left side of {operator} is a layer ({kind}) instead of a tensor: make the layer first, then call it, "
        "as in nn.ReLU()(x).",
    ),
    Saying(
        "AttributeError: 'float' object has no attribute '{name:of_graphs}'",
        "{name} was asked of a plain number, which records no gradients: was .item() or float() called too early?",
    ),
    Saying(
        "AttributeError: '{kind:plain}' object has no attribute '{name:of_tensors}'",
        "{name} was asked of something of type {kind}, which is no tensor.",
    ),
    Saying(
        "AttributeError: module '{module:word}' has no attribute '{name:name}'",
        "{module} has nothing called {name}.",
    ),
    Saying("AttributeError: 'Tensor' object has no attribute '{name:name}'", "A tensor has nothing called {name}."),
    Saying(
        "AttributeError: '{cls:word}' object has no attribute '{name:name}'",
        "{cls} has no attribute {name}: nothing has set it before this line.",
    ),
    Saying(
        "AttributeError: type object '{cls:name}' has no attribute '{name:name}'",
        "The class {cls} has nothing called {name}.",
    ),
    Saying(
        "NameError: name 'self' is not defined",
        "self is used in a function that does not have it: it is the first argument in the def line of a method.",
    ),
    Saying(
        "NameError: name '{name:import}' is not defined",
        "{name} is used but was never imported: {name.line}",
    ),
    Saying(
        "NameError: name '{name:name}' is not defined",
        "{name} is used, but nothing has this name here.",
    ),
    Saying(
        "UnboundLocalError: cannot access local variable '{name:name}' where it is not associated with a value",
        "{name} is used before this function has given it a value, or it is given one only in an if or a loop.",
    ),
    Saying(
        "ModuleNotFoundError: No module named '{name:word}'",
        "There is no module {name} here: your file is checked by itself, without other files of yours.",
    ),
    Saying(
        "ImportError: cannot import name '{name:name}' from '{module:word}'",
        "{module} has nothing called {name}.",
    ),
    Saying("KeyError: '{key:text}'", "A dict was asked for {key}, which is none of its keys."),
)

# ----------------------------------------------------------------------------------------------------------- arguments

ARGUMENTS = (
    Saying(
        "TypeError: {cls:name}.__init__() takes 1 positional argument but {given:int} were given",
        "{cls} was made with arguments, but takes none: has it a def __init__, spelt so, with two underscores on "
        "either side?",
    ),
    Saying(
        "TypeError: {cls:name}.{function:name}() takes {takes:int} positional {_:name} but {given:int} were given",
        "{cls}.{function} was called with {given} arguments, but its def line has {takes} (self is one of them).",
    ),
    Saying(
        "TypeError: {cls:name}.{function:name}() takes from {least:int} to {most:int} positional arguments but "
        "{given:int} were given",
        "{cls}.{function} was called with {given} arguments, but its def line has {most} at most (self is one of "
        "them).",
    ),
    Saying(
        "TypeError: {function:path}() takes {takes:int} positional {_:name} but {given:int} were given",
        "{function} was called with {given} arguments, but its def line has {takes}.",
    ),
    Saying(
        "TypeError: {function:path}() takes from {least:int} to {most:int} positional arguments but {given:int} were "
        "given",
        "{function} was called with {given} arguments, but its def line has {most} at most.",
    ),
    Saying(
        "TypeError: {function:path}() missing {_:int} required {__:words}: {names:names}",
        "{function} was called without {names}.",
    ),
    Saying(
        "TypeError: {function:path}() got an unexpected keyword argument '{name:name}'",
        "{function} has no argument called {name}.",
    ),
    Saying(
        "TypeError: {function:path}() got multiple values for argument '{name:name}'",
        "{function} was given {name} twice: once by its place and once by its name.",
    ),
)

# ------------------------------------------------------------------------------------------------------ the wrong kind

KINDS = (
    Saying(
        "TypeError: 'list' object is not callable",
        "A list was called as if it were a layer: call the layers in it one after the other, or use nn.Sequential.",
    ),
    Saying(
        "TypeError: 'torch.Size' object is not callable",
        "shape is no function: x.shape[0] or x.size(0).",
    ),
    Saying(
        "TypeError: 'Tensor' object is not callable",
        "Brackets stand behind a tensor as if it were a function: does its name hide one, or is a * missing?",
    ),
    Saying(
        "TypeError: '{kind:plain}' object is not callable",
        "Brackets stand behind something of type {kind} as if it were a function: does its name hide one, or is a * "
        "missing?",
    ),
    Saying(
        "TypeError: 'method' object is not {_:name}",
        "A method stands where what it gives is needed: brackets behind its name call it, as in model.parameters().",
    ),
    Saying(
        "TypeError: 'builtin_function_or_method' object is not subscriptable",
        "Square brackets stand behind a function: it has to be called first, as in x.size(0).",
    ),
    Saying(
        "TypeError: '{kind:word}' object is not subscriptable",
        "Square brackets stand behind something of type {kind}, which has no items.",
    ),
    Saying(
        "TypeError: '{kind:layer}' object is not iterable",
        "A layer ({kind}) stands where a list is needed; an optimizer takes model.parameters().",
    ),
    Saying(
        "TypeError: '{kind:word}' object is not iterable",
        "Something of type {kind} stands where several are needed, as in a list.",
    ),
    Saying(
        "TypeError: '{kind:word}' object cannot be interpreted as an integer",
        "A whole number is needed, but something of type {kind} came; // gives whole numbers and / does not.",
    ),
    Saying(
        'TypeError: can only concatenate {one:word} (not "{other:word}") to {_:word}',
        "{one} + {other} was asked for, which do not go together.",
    ),
    Saying(
        "TypeError: unsupported operand type(s) for {operator:operator}: '{one:text}' and '{other:text}'",
        "{one} {operator} {other} was asked for, which do not go together.",
    ),
    Saying(
        "TypeError: can't multiply sequence by non-int of type '{kind:word}'",
        "A list or tuple was multiplied by something of type {kind}: only a tensor can be, number by number.",
    ),
    Saying(
        "TypeError: list indices must be integers or slices, not {kind:word}",
        "A list was indexed by something of type {kind}: its index is one whole number.",
    ),
    Saying(
        "ValueError: not enough values to unpack (expected {names:int}, got {values:int})",
        "{names} names stand on the left, but only {values} came (of a shape, every size is one; of a tensor, every "
        "row).",
    ),
    Saying(
        "ValueError: too many values to unpack (expected {names:int})",
        "{names} names stand on the left, but more came (of a shape, every size is one; of a tensor, every row).",
    ),
    Saying(
        "IndexError: {kind:name} index out of range",
        "A {kind} was asked for an item behind its end: they are counted from 0 (a shape is a tuple, too).",
    ),
    Saying("ValueError: {function:name}() arg is an empty sequence", "{function} was asked of nothing at all."),
)

# ------------------------------------------------------------------------------------------------------------- numbers

NUMBERS = (
    Saying("ZeroDivisionError: ", "You divided by a number that is 0."),
    Saying("RuntimeError: ZeroDivisionError", "You divided whole numbers by 0."),
    Saying(
        "ValueError: math domain error",
        "A function of math was asked for what does not exist, as the root of a negative number or the log of 0.",
    ),
    Saying(
        "RecursionError: maximum recursion depth exceeded",
        "Something calls itself again and again without an end: a function, or a module that holds itself.",
    ),
)
