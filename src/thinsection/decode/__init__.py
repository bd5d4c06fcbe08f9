"""Decoding one photo file to pixels."""
