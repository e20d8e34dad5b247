use std::path::Path;

/// What installs packages on a machine, for the one sentence that says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageManager {
    /// Debian, Ubuntu.
    AptGet,
    /// Fedora, RHEL, Amazon Linux.
    Dnf,
    /// SUSE.
    Zypper,
    /// Arch.
    Pacman,
    /// Alpine.
    Apk,
    /// macOS.
    Brew,
}

const PROGRAMS: &[(&str, PackageManager)] = &[
    ("/usr/bin/apt-get", PackageManager::AptGet),
    ("/usr/bin/dnf", PackageManager::Dnf),
    ("/usr/bin/zypper", PackageManager::Zypper),
    ("/usr/bin/pacman", PackageManager::Pacman),
    ("/sbin/apk", PackageManager::Apk),
    ("/opt/homebrew/bin/brew", PackageManager::Brew),
    ("/usr/local/bin/brew", PackageManager::Brew),
];

impl PackageManager {
    pub(super) fn of_this_machine() -> Option<Self> {
        let present = |(program, _): &&(&str, Self)| Path::new(program).exists();
        PROGRAMS.iter().find(present).map(|(_, manager)| *manager)
    }

    /// The command that installs a PostgreSQL server.
    pub fn install_command(self) -> &'static str {
        match self {
            Self::AptGet => "sudo apt-get install -y postgresql",
            Self::Dnf => "sudo dnf install -y postgresql-server",
            Self::Zypper => "sudo zypper install -y postgresql-server",
            Self::Pacman => "sudo pacman -S --noconfirm postgresql",
            Self::Apk => "sudo apk add postgresql",
            Self::Brew => "brew install postgresql@17",
        }
    }
}
