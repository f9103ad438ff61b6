//! llano-machine.
