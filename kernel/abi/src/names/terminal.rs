//! Settings of terminals: `termios(3)`.

use super::{BitField, FlagSet, Name};

names! {
    /// Input modes.
    INPUT_MODES {
        IGNBRK = 1, BRKINT = 2, IGNPAR = 4, PARMRK = 8, INPCK = 0x10, ISTRIP = 0x20, INLCR = 0x40,
        IGNCR = 0x80, ICRNL = 0x100, IUCLC = 0x200, IXON = 0x400, IXANY = 0x800, IXOFF = 0x1000,
        IMAXBEL = 0x2000, IUTF8 = 0x4000,
    }

    /// Delay of newlines.
    NEWLINE_DELAYS {
        NL0 = 0, NL1 = 0x100,
    }

    /// Delay of carriage returns.
    RETURN_DELAYS {
        CR0 = 0, CR1 = 0x200, CR2 = 0x400, CR3 = 0x600,
    }

    /// Delay of tabs.
    TAB_DELAYS {
        TAB0 = 0, TAB1 = 0x800, TAB2 = 0x1000, TAB3 = 0x1800,
    }

    /// Delay of backspaces.
    BACKSPACE_DELAYS {
        BS0 = 0, BS1 = 0x2000,
    }

    /// Delay of vertical tabs.
    VERTICAL_TAB_DELAYS {
        VT0 = 0, VT1 = 0x4000,
    }

    /// Delay of form feeds.
    FORM_FEED_DELAYS {
        FF0 = 0, FF1 = 0x8000,
    }

    /// Other output modes.
    OUTPUT_MODES {
        OPOST = 1, OLCUC = 2, ONLCR = 4, OCRNL = 8, ONOCR = 0x10, ONLRET = 0x20, OFILL = 0x40,
        OFDEL = 0x80,
    }

    /// Speeds.
    SPEEDS {
        B0 = 0, B50 = 1, B75 = 2, B110 = 3, B134 = 4, B150 = 5, B200 = 6, B300 = 7, B600 = 8,
        B1200 = 9, B1800 = 10, B2400 = 11, B4800 = 12, B9600 = 13, B19200 = 14, B38400 = 15,
        BOTHER = 0x1000, B57600 = 0x1001, B115200 = 0x1002, B230400 = 0x1003, B460800 = 0x1004,
    }

    /// Bits of a character.
    CHARACTER_SIZES {
        CS5 = 0, CS6 = 0x10, CS7 = 0x20, CS8 = 0x30,
    }

    /// Other control modes.
    CONTROL_MODES {
        CSTOPB = 0x40, CREAD = 0x80, PARENB = 0x100, PARODD = 0x200, HUPCL = 0x400, CLOCAL = 0x800,
        CMSPAR = 0x40000000, CRTSCTS = 0x80000000,
    }

    /// Local modes.
    LOCAL_MODES {
        ISIG = 1, ICANON = 2, XCASE = 4, ECHO = 8, ECHOE = 0x10, ECHOK = 0x20, ECHONL = 0x40,
        NOFLSH = 0x80, IEXTEN = 0x8000, ECHOCTL = 0x200, ECHOPRT = 0x400, ECHOKE = 0x800,
        FLUSHO = 0x1000, PENDIN = 0x4000, TOSTOP = 0x100, EXTPROC = 0x10000,
    }
}

/// `c_iflag`.
pub static INPUT_FLAGS: FlagSet = FlagSet::bits(INPUT_MODES);

/// `c_oflag`.
pub static OUTPUT_FLAGS: FlagSet = FlagSet::with_fields(
    OUTPUT_MODES,
    &[
        BitField { mask: 0x100, values: NEWLINE_DELAYS },
        BitField { mask: 0x600, values: RETURN_DELAYS },
        BitField { mask: 0x1800, values: TAB_DELAYS },
        BitField { mask: 0x2000, values: BACKSPACE_DELAYS },
        BitField { mask: 0x4000, values: VERTICAL_TAB_DELAYS },
        BitField { mask: 0x8000, values: FORM_FEED_DELAYS },
    ],
);

/// `c_cflag`.
pub static CONTROL_FLAGS: FlagSet = FlagSet::with_fields(
    CONTROL_MODES,
    &[BitField { mask: 0x100f, values: SPEEDS }, BitField { mask: 0x30, values: CHARACTER_SIZES }],
);

/// `c_lflag`.
pub static LOCAL_FLAGS: FlagSet = FlagSet::bits(LOCAL_MODES);
