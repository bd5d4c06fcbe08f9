"""A backbone trained on rendered thin sections, and what it is worth on real photos (pretrain/)."""
