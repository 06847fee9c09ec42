"""Forms: what a challenge shows and asks, as values.

Authors of plugins import them from `authflow.plugins`.
"""
