"""How Sphinx builds these pages: `make docs`."""

from importlib.metadata import version as installed_version

project = "cumsum"
author = "The cumsum authors"
copyright = f"2026, {author}"
version = release = installed_version("cumsum")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
]
nitpicky = False
exclude_patterns = ["_build"]

html_theme = "pydata_sphinx_theme"
html_title = "cumsum"
html_static_path = ["_static"]
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "navigation_with_keys": False,
}

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
autodoc_typehints = "none"  # the docstrings say them
numpydoc_show_class_members = False
copybutton_prompt_text = r">>> |\$ "
copybutton_prompt_is_regexp = True
