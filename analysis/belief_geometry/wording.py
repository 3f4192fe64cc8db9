"""Words that several claims share: sources and limits."""

SHAI = "Shai et al. 2024 (arXiv:2405.15943)"
RIECHERS = "Riechers, Elliott, Shai 2025 (arXiv:2507.07432)"
AFTER_THE_LAST_BLOCK = (
    "The edit is made after the last block, where nothing of the past is read any more: the only use a "
    "belief can have there is the next token, so on processes whose beliefs go beyond the next-token "
    "distribution the verdict is about the part of the belief that predicts it. "
)
