//! llano-repl.
