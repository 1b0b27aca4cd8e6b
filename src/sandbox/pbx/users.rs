//! Users, their logins and their statuses.

use uuid::Uuid;

use super::{Pbx, invalid, named, non_empty};
use crate::catalog::{Kind, STATUS_TYPES};
use crate::error::Result;
use crate::sandbox::world::clock::unix_millis;
use crate::sandbox::world::entities::{Login, Status, User};

impl Pbx {
    /// A new user with a full licence and no extension. Its id.
    pub fn add_user(&self, user_name: &str, displayed_name: &str) -> Result<Uuid> {
        non_empty("user name", user_name)?;
        Ok(self.world(|world, place| {
            let (core, ids) = (&mut world.cores[place], &mut world.ids);
            let status = core.statuses.insert(Status {
                id: ids.uuid(),
                configuration_id: ids.uuid(),
                name: "Available".to_owned(),
                ty: "available".to_owned(),
                note: String::new(),
                return_time: -1,
                user_created: false,
                full: true,
            });
            let id = ids.uuid();
            core.users.insert(User {
                id,
                configuration_id: ids.uuid(),
                user_name: user_name.to_owned(),
                displayed_name: displayed_name.to_owned(),
                permission_id: ids.uuid(),
                full: true,
                extensions: Vec::new(),
                logins: Vec::new(),
                status,
            });
            id
        }))
    }

    /// Removes a user, with logins and status. The extensions stay, unbound.
    pub fn remove_user(&self, user_name: &str) -> Result<()> {
        self.core(|core| {
            let key = named(core, Kind::User, user_name)?;
            core.related((Kind::User, key), Kind::Login).to_vec().into_iter().for_each(|l| core.remove_login(l));
            let Some(user) = core.users.remove(key) else { return Ok(()) };
            core.statuses.remove(user.status);
            for extension in user.extensions {
                core.extensions.relate(extension, |e| e.users.retain(|u| *u != key));
                core.license(extension);
            }
            Ok(())
        })
    }

    /// Gives a user another user name; the id stays.
    pub fn rename_user(&self, user_name: &str, new_user_name: &str) -> Result<()> {
        non_empty("user name", new_user_name)?;
        self.edit_user(user_name, |u| u.user_name = new_user_name.to_owned())
    }

    /// Sets the displayed name of a user.
    pub fn set_displayed_name(&self, user_name: &str, displayed_name: &str) -> Result<()> {
        self.edit_user(user_name, |u| u.displayed_name = displayed_name.to_owned())
    }

    fn edit_user(&self, user_name: &str, change: impl FnOnce(&mut User)) -> Result<()> {
        self.core(|core| {
            let key = named(core, Kind::User, user_name)?;
            core.users.edit(key, change);
            Ok(())
        })
    }

    /// Gives a user a full licence, or a lite one.
    pub fn set_full_user(&self, user_name: &str, full: bool) -> Result<()> {
        self.core(|core| {
            let key = named(core, Kind::User, user_name)?;
            if let Some((status, extensions)) = core.users.edit(key, |u| {
                u.full = full;
                (u.status, u.extensions.clone())
            }) {
                core.statuses.edit(status, |s| s.full = full);
                extensions.into_iter().for_each(|e| core.license(e));
            }
            Ok(())
        })
    }

    /// A user's client connects. The id of the login.
    pub fn log_in_user(&self, user_name: &str, ip: &str, port: u16) -> Result<Uuid> {
        self.world(|world, place| {
            let (core, ids) = (&mut world.cores[place], &mut world.ids);
            let user = named(core, Kind::User, user_name)?;
            let (id, time_connected) = (ids.uuid(), unix_millis());
            let login = core.logins.insert(Login { id, ip: ip.to_owned(), port, time_connected, user });
            core.users.relate(user, |u| u.logins.push(login));
            world.emit_login(place, "userLogin", login);
            Ok(id)
        })
    }

    /// All of a user's clients disconnect.
    pub fn log_out_user(&self, user_name: &str) -> Result<()> {
        self.world(|world, place| {
            let key = named(&world.cores[place], Kind::User, user_name)?;
            for login in world.cores[place].related((Kind::User, key), Kind::Login).to_vec() {
                world.emit_login(place, "userLogout", login);
                world.cores[place].remove_login(login);
            }
            Ok(())
        })
    }

    /// Sets a user's status, as the user would. `return_time` is Unix time in milliseconds, -1 for none.
    ///
    /// Fails with [`Code::InvalidArgument`](crate::Code::InvalidArgument) where the type is none of [`STATUS_TYPES`].
    pub fn set_status(&self, user_name: &str, name: &str, ty: &str, note: &str, return_time: i64) -> Result<()> {
        if !STATUS_TYPES.contains(&ty) {
            return Err(invalid(format!("{ty:?} is no status type; there are {}", STATUS_TYPES.join(", "))));
        }
        self.core(|core| {
            let key = named(core, Kind::User, user_name)?;
            for status in core.related((Kind::User, key), Kind::Status).to_vec() {
                core.statuses.edit(status, |s| {
                    s.name = name.to_owned();
                    s.ty = ty.to_owned();
                    s.note = note.to_owned();
                    s.return_time = return_time;
                });
            }
            Ok(())
        })
    }
}
