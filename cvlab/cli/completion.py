"""`cvlab completion`: what a shell needs to complete commands, options and drills."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

#: Where each shell wants to be told, in words for a comment on top of its script.
HOW = {
    "bash": 'eval "$(cvlab completion bash)"      # this line belongs into ~/.bashrc',
    "zsh": 'eval "$(cvlab completion zsh)"       # this line belongs into ~/.zshrc, after compinit',
    "fish": "cvlab completion fish | source      # this line belongs into ~/.config/fish/config.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(HOW)))
def command(shell: str) -> None:
    """Print what SHELL needs to complete cvlab's commands, options and drills.

    For good: put the line that the output begins with into your shell's settings.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root().command
    click.echo(f"# {HOW[shell]}")
    click.echo(kind(root, {}, "cvlab", "_CVLAB_COMPLETE").source())
