//! Extensions.

use uuid::Uuid;

use super::{Pbx, named, non_empty};
use crate::catalog::Kind;
use crate::error::Result;
use crate::sandbox::world::entities::Extension;

impl Pbx {
    /// A new extension, bound to a user if one is named; else a licence hides it. Its id.
    pub fn add_extension(&self, number: &str, display_name: &str, user_name: Option<&str>) -> Result<Uuid> {
        non_empty("extension number", number)?;
        self.world(|world, place| {
            let (core, ids) = (&mut world.cores[place], &mut world.ids);
            let user = user_name.map(|name| named(core, Kind::User, name)).transpose()?;
            let id = ids.uuid();
            let extension = core.extensions.insert(Extension {
                id,
                number: number.to_owned(),
                display_name: display_name.to_owned(),
                configuration_id: ids.uuid(),
                permission_id: ids.uuid(),
                dnd: false,
                licensed: false,
                users: Vec::new(),
                segments: Vec::new(),
                agents: Vec::new(),
            });
            user.into_iter().for_each(|user| core.bind(user, extension));
            Ok(id)
        })
    }

    /// Removes an extension; its calls end, its agents are logged out.
    pub fn remove_extension(&self, number: &str) -> Result<()> {
        self.world(|world, place| {
            let key = named(&world.cores[place], Kind::Extension, number)?;
            for segment in world.cores[place].related((Kind::Extension, key), Kind::CallSegment).to_vec() {
                world.hang_up(place, segment);
            }
            let core = &mut world.cores[place];
            core.related((Kind::Extension, key), Kind::Agent).to_vec().into_iter().for_each(|a| core.remove_agent(a));
            for user in core.extensions.remove(key).into_iter().flat_map(|e| e.users) {
                core.users.relate(user, |u| u.extensions.retain(|e| *e != key));
            }
            Ok(())
        })
    }

    /// Gives an extension another number; the id stays.
    pub fn rename_extension(&self, number: &str, new_number: &str) -> Result<()> {
        non_empty("extension number", new_number)?;
        self.edit_extension(number, |e| e.number = new_number.to_owned())
    }

    /// Sets the display name of an extension.
    pub fn set_display_name(&self, number: &str, display_name: &str) -> Result<()> {
        self.edit_extension(number, |e| e.display_name = display_name.to_owned())
    }

    fn edit_extension(&self, number: &str, change: impl FnOnce(&mut Extension)) -> Result<()> {
        self.core(|core| {
            let key = named(core, Kind::Extension, number)?;
            core.extensions.edit(key, change);
            Ok(())
        })
    }

    /// Whether do-not-disturb is on, which the API does not show.
    pub fn dnd(&self, number: &str) -> Result<bool> {
        self.core(|core| {
            let key = named(core, Kind::Extension, number)?;
            Ok(core.extensions.get(key).is_some_and(|e| e.dnd))
        })
    }

    /// Turns do-not-disturb on or off.
    pub fn set_dnd(&self, number: &str, on: bool) -> Result<()> {
        self.core(|core| {
            let key = named(core, Kind::Extension, number)?;
            core.extensions.relate(key, |e| e.dnd = on);
            Ok(())
        })
    }
}
