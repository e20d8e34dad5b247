//! The export, interrupted at will, still exports everything once.
