//! Terminals: `struct termios`, its flags, and the terminal ioctls. Sources: `termios(3)`, `ioctl_tty(2)`,
//! `asm-generic/termbits.h`, `asm-generic/ioctls.h`.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// How many control characters the kernel's structures hold (glibc's own `struct termios` has room for 32).
pub const NCCS: usize = 19;

/// Settings of a terminal as `TCGETS` and `TCSETS` carry them: 36 bytes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Termios {
    /// Input modes.
    pub c_iflag: u32,
    /// Output modes.
    pub c_oflag: u32,
    /// Line control: size, speed.
    pub c_cflag: u32,
    /// Local modes: editing, echo, signals.
    pub c_lflag: u32,
    /// Line discipline; 0 is N_TTY.
    pub c_line: u8,
    /// Control characters by [`VINTR`] and its neighbours; 0 disables one.
    pub c_cc: [u8; NCCS],
}

/// Settings with speeds in bits per second, as `TCGETS2` and `TCSETS2` carry them: 44 bytes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Termios2 {
    /// All that `TCGETS` gives.
    pub termios: Termios,
    /// Input speed in bits per second.
    pub c_ispeed: u32,
    /// Output speed in bits per second.
    pub c_ospeed: u32,
}

/// The window, as `TIOCGWINSZ` gives it.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Winsize {
    /// Rows of characters.
    pub ws_row: u16,
    /// Columns of characters.
    pub ws_col: u16,
    /// Width in pixels, 0 if unknown.
    pub ws_xpixel: u16,
    /// Height in pixels, 0 if unknown.
    pub ws_ypixel: u16,
}

/// From `NAME value "meaning"` rows: documented constants of one type.
macro_rules! constants {
    ($type:ty; $($name:ident $value:literal $meaning:literal;)*) => {
        $(#[doc = concat!($meaning, ".")] pub const $name: $type = $value;)*
    };
}

constants! { usize;
    VINTR 0 "Sends SIGINT (^C)";
    VQUIT 1 "Sends SIGQUIT (^\\\\)";
    VERASE 2 "Erases a character (^?)";
    VKILL 3 "Erases the line (^U)";
    VEOF 4 "Ends the file, or the line without a newline (^D)";
    VTIME 5 "Timer of a read that is not canonical, in tenths of a second";
    VMIN 6 "Bytes a read that is not canonical waits for";
    VSWTC 7 "Switches the shell layer; Linux ignores it";
    VSTART 8 "Restarts output (^Q)";
    VSTOP 9 "Stops output (^S)";
    VSUSP 10 "Sends SIGTSTP (^Z)";
    VEOL 11 "A further end of line";
    VREPRINT 12 "Shows the unfinished line again (^R)";
    VDISCARD 13 "Toggles discarding of output; Linux ignores it (^O)";
    VWERASE 14 "Erases a word (^W)";
    VLNEXT 15 "Takes the next character literally (^V)";
    VEOL2 16 "One more end of line";
}

constants! { u32;
    IGNBRK 0o1 "Ignore breaks";
    BRKINT 0o2 "A break sends SIGINT";
    IGNPAR 0o4 "Ignore bytes with framing or parity errors";
    PARMRK 0o10 "Mark such bytes with \\377 \\0, and double \\377";
    INPCK 0o20 "Check parity";
    ISTRIP 0o40 "Clear the eighth bit";
    INLCR 0o100 "Newline becomes carriage return";
    IGNCR 0o200 "Drop carriage returns";
    ICRNL 0o400 "Carriage return becomes newline";
    IUCLC 0o1000 "Upper case becomes lower case (with IEXTEN)";
    IXON 0o2000 "VSTOP and VSTART stop and restart output";
    IXANY 0o4000 "Any character restarts output";
    IXOFF 0o10000 "Stop the sender when the input queue fills";
    IMAXBEL 0o20000 "Ring when the input queue is full; Linux ignores it";
    IUTF8 0o40000 "Input is UTF-8, so erasing takes whole characters";
}

constants! { u32;
    OPOST 0o1 "Process output at all";
    OLCUC 0o2 "Lower case becomes upper case";
    ONLCR 0o4 "Newline becomes carriage return and newline";
    OCRNL 0o10 "Carriage return becomes newline";
    ONOCR 0o20 "No carriage return at column 0";
    ONLRET 0o40 "Newline does what carriage return does";
    OFILL 0o100 "Fill characters for delays; Linux ignores it";
    OFDEL 0o200 "The fill character is DEL; Linux ignores it";
    TABDLY 0o14000 "Mask: what becomes of tabs";
    XTABS 0o14000 "Tabs become spaces";
}

constants! { u32;
    CBAUD 0o10017 "Mask: output speed code";
    B38400 0o17 "38400 bits per second";
    BOTHER 0o10000 "The speed stands in c_ospeed";
    CSIZE 0o60 "Mask: bits per character";
    CS8 0o60 "Eight bits per character";
    CSTOPB 0o100 "Two stop bits";
    CREAD 0o200 "Enable the receiver";
    PARENB 0o400 "Enable parity";
    PARODD 0o1000 "Odd parity";
    HUPCL 0o2000 "Hang up on last close";
    CLOCAL 0o4000 "Ignore modem lines";
    CRTSCTS 0o20000000000 "Hardware flow control";
}

constants! { u32;
    ISIG 0o1 "VINTR, VQUIT and VSUSP send signals";
    ICANON 0o2 "Input by lines, edited";
    ECHO 0o10 "Echo input";
    ECHOE 0o20 "Erasing wipes the character from the screen";
    ECHOK 0o40 "VKILL echoes a newline";
    ECHONL 0o100 "Echo newlines even without ECHO";
    NOFLSH 0o200 "Signals do not discard the queues";
    TOSTOP 0o400 "Background processes that write get SIGTTOU";
    ECHOCTL 0o1000 "Control characters echo as ^X";
    ECHOPRT 0o2000 "Erased characters are printed, for paper";
    ECHOKE 0o4000 "VKILL wipes the line from the screen";
    FLUSHO 0o10000 "Output is being discarded; Linux ignores it";
    PENDIN 0o40000 "Reprint at the next read; Linux ignores it";
    IEXTEN 0o100000 "VEOL2, VLNEXT, VREPRINT, VWERASE and IUCLC work";
    EXTPROC 0o200000 "Editing is done elsewhere, at the far end";
}

constants! { u32;
    TCGETS 0x5401 "Read struct termios";
    TCSETS 0x5402 "Write struct termios at once";
    TCSETSW 0x5403 "Write it once output has drained";
    TCSETSF 0x5404 "As TCSETSW, and discard input";
    TCSBRK 0x5409 "Send a break (0) or wait for output to drain";
    TCXONC 0x540a "Stop or start output or input, [`TCOOFF`] and its neighbours";
    TCFLSH 0x540b "Discard queues, [`TCIFLUSH`] and its neighbours";
    TIOCEXCL 0x540c "Refuse further opens";
    TIOCNXCL 0x540d "Allow further opens";
    TIOCSCTTY 0x540e "Make this the session's controlling terminal";
    TIOCGPGRP 0x540f "Read the foreground process group";
    TIOCSPGRP 0x5410 "Set the foreground process group";
    TIOCOUTQ 0x5411 "Bytes still to be output";
    TIOCSTI 0x5412 "Pretend that a byte was typed";
    TIOCGWINSZ 0x5413 "Read the window size";
    TIOCSWINSZ 0x5414 "Set the window size; SIGWINCH tells the foreground";
    TIOCMGET 0x5415 "Read modem lines";
    FIONREAD 0x541b "Bytes that can be read (also TIOCINQ)";
    TIOCCONS 0x541d "Redirect console output";
    TIOCPKT 0x5420 "Packet mode of a pty master";
    FIONBIO 0x5421 "Set or clear O_NONBLOCK";
    TIOCNOTTY 0x5422 "Give up the controlling terminal";
    TIOCSETD 0x5423 "Set the line discipline";
    TIOCGETD 0x5424 "Read the line discipline";
    TCSBRKP 0x5425 "Send a break of some length";
    TIOCSBRK 0x5427 "Begin a break";
    TIOCCBRK 0x5428 "End a break";
    TIOCGSID 0x5429 "Read the session";
    TCGETS2 0x802c542a "Read struct termios2";
    TCSETS2 0x402c542b "Write struct termios2 at once";
    TCSETSW2 0x402c542c "Write it once output has drained";
    TCSETSF2 0x402c542d "As TCSETSW2, and discard input";
    TIOCGPTN 0x80045430 "Read the pty's number";
    TIOCSPTLCK 0x40045431 "Lock or unlock the pty slave";
    TIOCGDEV 0x80045432 "Read the device number";
    TIOCGPKT 0x80045438 "Read packet mode";
    TIOCGPTLCK 0x80045439 "Read the pty slave's lock";
    TIOCGEXCL 0x80045440 "Read exclusive mode";
    TIOCGPTPEER 0x5441 "Open the pty slave through the master";
    TIOCVHANGUP 0x5437 "Hang up the terminal";
}

constants! { u32;
    TCOOFF 0 "Stop output";
    TCOON 1 "Restart output";
    TCIOFF 2 "Send the stop character";
    TCION 3 "Send the start character";
    TCIFLUSH 0 "Discard what was received but not read";
    TCOFLUSH 1 "Discard what was written but not sent";
    TCIOFLUSH 2 "Discard both";
}

constants! { u8;
    TIOCPKT_DATA 0 "Packet of data";
    TIOCPKT_FLUSHREAD 1 "The slave's input was discarded";
    TIOCPKT_FLUSHWRITE 2 "The slave's output was discarded";
    TIOCPKT_STOP 4 "Output stopped";
    TIOCPKT_START 8 "Output restarted";
    TIOCPKT_NOSTOP 16 "^S and ^Q are not the flow control characters";
    TIOCPKT_DOSTOP 32 "^S and ^Q are the flow control characters";
    TIOCPKT_IOCTL 64 "Settings changed under EXTPROC";
}

impl Termios {
    /// What a terminal starts with (Linux's `tty_std_termios`).
    pub const STANDARD: Termios = Termios {
        c_iflag: ICRNL | IXON,
        c_oflag: OPOST | ONLCR,
        c_cflag: B38400 | CS8 | CREAD | HUPCL,
        c_lflag: ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
        c_line: 0,
        c_cc: [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0],
    };

    /// What a pty slave starts with: [`Termios::STANDARD`] without `HUPCL`.
    pub const PTY: Termios = Termios { c_cflag: B38400 | CS8 | CREAD, ..Termios::STANDARD };
}

impl Termios2 {
    /// The same settings with the speed that [`B38400`] names.
    pub const fn from_termios(termios: Termios) -> Termios2 {
        Termios2 { termios, c_ispeed: 38400, c_ospeed: 38400 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `TCGETS` on a new pty slave of Linux 6.18.
    const SLAVE: &[u8; 36] = b"\0\x05\0\0\x05\0\0\0\xbf\0\0\0\x3b\x8a\0\0\0\
        \x03\x1c\x7f\x15\x04\0\x01\0\x11\x13\x1a\0\x12\x0f\x17\x16\0\0\0";

    #[test]
    fn defaults_are_the_bytes_linux_gives() {
        assert_eq!(Termios::PTY.as_bytes(), SLAVE);
    }

    #[test]
    fn sizes_stand_in_the_ioctl_numbers() {
        assert_eq!(size_of::<Winsize>(), 8);
        for number in [TCGETS2, TCSETS2, TCSETSW2, TCSETSF2] {
            assert_eq!((number >> 16) as usize & 0x3fff, size_of::<Termios2>());
        }
    }
}
