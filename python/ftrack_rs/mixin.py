"""Extends single instances with a mixin class."""

from __future__ import annotations

from typing import Any


def mixin(instance: Any, mixin_class: type[Any], name: str | None = None) -> None:
    """Make *instance* an instance of *mixin_class* too; once is enough.

    Args:
        instance: What to extend.
        mixin_class: Comes first when methods are looked up.
        name: Name of the class that is made for it.
    """
    own = type(instance)
    if mixin_class in own.mro():
        return
    name = f"{own.__name__}{mixin_class.__name__}" if name is None else name
    metaclass: Any = type(own)
    instance.__class__ = metaclass(name, (mixin_class, own), {})
