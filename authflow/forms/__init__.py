"""Forms: the texts, pictures and fields of a challenge, as values.

Authors of plugins import them from `authflow.plugins`.
"""
