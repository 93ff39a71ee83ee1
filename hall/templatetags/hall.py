"""Template tags of Hall; built in everywhere."""

from django import template

register = template.Library()
