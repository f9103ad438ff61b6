//! llano-kernel.
