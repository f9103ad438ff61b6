//! llano-trace.
