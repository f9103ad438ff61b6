//! llano-abi.
