//! llano-debug.
