"""Slugs: small letters and digits, in words with one hyphen between them."""

import re

SLUG = re.compile(r"^[a-z0-9]+(?:-[a-z0-9]+)*$")
GAP = re.compile(r"[^a-z0-9]+")


def is_slug(text):
    """May `text` stand in an address as it is?"""
    return SLUG.match(text) is not None


def make_slug(title):
    """The slug of a title; `untitled` where no letter of it can be kept."""
    return GAP.sub("-", title.lower()).strip("-") or "untitled"


def unique_slug(title, taken):
    """The slug of a title, with a number behind it when it is one of `taken`."""
    slug = base = make_slug(title)
    number = 2
    while slug in taken:
        slug = f"{base}-{number}"
        number += 1
    return slug
