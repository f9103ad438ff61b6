//! The ioctls that concern the terminal alone (`ioctl_tty(2)`). At the master, settings and window size are
//! the slave's.

use super::file::{Side, TtyFile};
use super::{Flow, Queues, When};
use crate::error::{Errno, Result};
use crate::user;
use llano_abi::termios::*;

/// Whether a background process must be stopped before this request.
pub fn changes(cmd: u32) -> bool {
    matches!(
        cmd,
        TCSETS
            | TCSETSW
            | TCSETSF
            | TCSETS2
            | TCSETSW2
            | TCSETSF2
            | TCSBRK
            | TCSBRKP
            | TCXONC
            | TCFLSH
            | TIOCSETD
            | TIOCSBRK
            | TIOCCBRK
    )
}

pub(super) fn ioctl(file: &TtyFile, cmd: u32, arg: u64) -> Result<i64> {
    let terminal = &file.terminal;
    if file.is_hung_up() {
        return Err(Errno::EIO);
    }
    let set = |new: Termios, when: When| {
        terminal.with(|pair| pair.slave.set_termios(new, when));
    };
    match cmd {
        TCGETS => user::put(arg, &terminal.look(|pair| *pair.slave.termios()))?,
        TCGETS2 => user::put(arg, &Termios2::from_termios(terminal.look(|pair| *pair.slave.termios())))?,
        TCSETS | TCSETSW => set(user::get(arg)?, When::Now),
        TCSETSF => set(user::get(arg)?, When::Flush),
        TCSETS2 | TCSETSW2 => set(user::get::<Termios2>(arg)?.termios, When::Now),
        TCSETSF2 => set(user::get::<Termios2>(arg)?.termios, When::Flush),
        TIOCGWINSZ => user::put(arg, &terminal.look(|pair| pair.slave.winsize()))?,
        TIOCSWINSZ => {
            let size: Winsize = user::get(arg)?;
            terminal.with(|pair| pair.slave.set_winsize(size));
        }
        FIONREAD => {
            let count = terminal.look(|pair| match file.side {
                Side::Slave => pair.slave.input_len(),
                Side::Master => pair.output_len(),
            });
            user::put(arg, &(count as i32))?;
        }
        // Output is handed on at once, as on every Linux pty.
        TIOCOUTQ => user::put(arg, &0i32)?,
        TCFLSH => {
            let queues = Queues::from_number(arg).ok_or(Errno::EINVAL)?;
            terminal.with(|pair| match file.side {
                Side::Slave => pair.slave.flush(queues),
                Side::Master => pair.flush(queues),
            });
        }
        TCXONC => {
            let flow = Flow::from_number(arg).ok_or(Errno::EINVAL)?;
            if file.side == Side::Slave {
                terminal.with(|pair| pair.slave.flow(flow));
            }
        }
        TCSBRK | TCSBRKP | TIOCSBRK | TIOCCBRK => {}
        TIOCGETD => user::put(arg, &0i32)?,
        TIOCSETD if user::get::<i32>(arg)? != 0 => return Err(Errno::EINVAL),
        TIOCSETD => {}
        TIOCEXCL => terminal.exclusive.set(true),
        TIOCNXCL => terminal.exclusive.set(false),
        TIOCGEXCL => user::put(arg, &i32::from(terminal.exclusive.get()))?,
        TIOCGDEV if file.side == Side::Master => user::put(arg, &(5u32 << 8 | 2))?,
        TIOCGDEV => user::put(arg, &(terminal.rdev() as u32))?,
        _ if file.side == Side::Master => return master(file, cmd, arg),
        _ => return Err(Errno::ENOTTY),
    }
    Ok(0)
}

/// What only a master has.
fn master(file: &TtyFile, cmd: u32, arg: u64) -> Result<i64> {
    let terminal = &file.terminal;
    match cmd {
        TIOCGPTN => user::put(arg, &terminal.look(|pair| pair.number()))?,
        TIOCSPTLCK => {
            let locked = user::get::<i32>(arg)? != 0;
            terminal.with(|pair| pair.set_locked(locked));
        }
        TIOCGPTLCK => user::put(arg, &i32::from(terminal.look(|pair| pair.is_locked())))?,
        TIOCPKT => {
            let packet = user::get::<i32>(arg)? != 0;
            terminal.with(|pair| pair.set_packet_mode(packet));
        }
        TIOCGPKT => user::put(arg, &i32::from(terminal.look(|pair| pair.packet_mode())))?,
        _ => return Err(Errno::ENOTTY),
    }
    Ok(0)
}
