"""What a class has come to, in numbers, and the folder its pages are written to; how they look is for `cvlab.show`."""
