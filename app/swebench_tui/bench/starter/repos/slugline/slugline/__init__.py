from slugline.slugs import is_slug, make_slug, unique_slug
from slugline.tags import TagIndex

__all__ = ["TagIndex", "is_slug", "make_slug", "unique_slug"]
