//! The properties of a resource by their names, for what the typed accessors cannot tell apart.

use std::collections::HashMap;
use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::LazyLock;

use isymphony_core::catalog::{self, RESOURCES, Type};
use isymphony_core::snapshot::{Property, State, Value};

use crate::error::isym_status;
use crate::guard::{self, found};
use crate::resource::isym_resource;
use crate::str::{self, Text, isym_str};

/// What the server said of a property.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum isym_property_state {
    /// The catalogue knows no property of that name; or the view is empty.
    #[default]
    ISYM_PROPERTY_UNKNOWN = 0,
    /// The property is not in the object.
    ISYM_PROPERTY_MISSING = 1,
    /// The property is null.
    ISYM_PROPERTY_NULL = 2,
    /// The value has another type than the catalogue says: see isym_resource_raw.
    ISYM_PROPERTY_OTHER_TYPE = 3,
    /// The value is there.
    ISYM_PROPERTY_PRESENT = 4,
}

impl From<State> for isym_property_state {
    fn from(state: State) -> isym_property_state {
        match state {
            State::Missing => isym_property_state::ISYM_PROPERTY_MISSING,
            State::Null => isym_property_state::ISYM_PROPERTY_NULL,
            State::OtherType => isym_property_state::ISYM_PROPERTY_OTHER_TYPE,
            State::Present => isym_property_state::ISYM_PROPERTY_PRESENT,
        }
    }
}

/// The type of a property's value.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum isym_type {
    /// No type: what an empty property has.
    #[default]
    ISYM_TYPE_NONE = 0,
    /// A text.
    ISYM_TYPE_TEXT = 1,
    /// A boolean.
    ISYM_TYPE_BOOL = 2,
    /// A whole number.
    ISYM_TYPE_INT = 3,
    /// A time: Unix milliseconds, -1 for none.
    ISYM_TYPE_MILLIS = 4,
}

/// A property of a resource: a value to be copied at will, borrowed from the same snapshot as the resource.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct isym_property {
    /// What the server said. The value below is there only for ISYM_PROPERTY_PRESENT.
    pub state: isym_property_state,
    /// Which of the values below it has.
    pub value_type: isym_type,
    /// The value for ISYM_TYPE_TEXT; otherwise empty.
    pub text: isym_str,
    /// The value for ISYM_TYPE_INT and ISYM_TYPE_MILLIS; otherwise 0.
    pub number: i64,
    /// The value for ISYM_TYPE_BOOL; otherwise false.
    pub boolean: bool,
    /// The JSON name, as in "callerId.name". Lives as long as the library.
    pub name: isym_str,
}

impl From<Property<'_>> for isym_property {
    fn from(property: Property<'_>) -> isym_property {
        let mut view = isym_property { state: property.state.into(), name: name(property.row), ..Default::default() };
        view.value_type = match property.row.ty {
            Type::Text => isym_type::ISYM_TYPE_TEXT,
            Type::Bool => isym_type::ISYM_TYPE_BOOL,
            Type::Int => isym_type::ISYM_TYPE_INT,
            Type::Millis => isym_type::ISYM_TYPE_MILLIS,
        };
        match property.value {
            None => {}
            Some(Value::Text(text)) => view.text = isym_str::from_terminated(text),
            Some(Value::Bool(boolean)) => view.boolean = boolean,
            Some(Value::Int(number)) => view.number = number,
        }
        view
    }
}

/// The JSON names of the catalogue's properties, with a NUL behind each.
static NAMES: LazyLock<HashMap<&'static str, Text>> = LazyLock::new(|| {
    let rows = RESOURCES.iter().flat_map(|kind| kind.properties);
    rows.map(|row| (row.name, Text::from(row.name))).collect()
});

fn name(row: &catalog::Property) -> isym_str {
    NAMES.get(row.name).map(Text::borrow).unwrap_or_default()
}

/// What the server said of a property, which is given by its JSON name or attribute name, as in "callerId.name" and
/// "caller_id_name". ISYM_PROPERTY_UNKNOWN where the catalogue has no such property.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_property_state(resource: isym_resource, name: *const c_char) -> isym_property_state {
    guard::plain(|| {
        let Some((resource, name)) = resource.get().zip(str::quiet(name)) else { return Default::default() };
        resource.property(name).map(|property| property.state.into()).unwrap_or_default()
    })
}

/// A property with its value, given by its JSON name or attribute name.
///
/// Answers ISYM_NOT_FOUND where the catalogue has no such property, and for an empty view. What is found is borrowed
/// from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_property(
    resource: isym_resource,
    name: *const c_char,
    property: Option<&mut MaybeUninit<isym_property>>,
) -> isym_status {
    guard::quiet(|| {
        let Some(name) = str::quiet(name) else { return isym_status::ISYM_INVALID_ARGUMENT };
        let view = resource.get();
        found(view.and_then(|view| view.property(name)).map(isym_property::from), property)
    })
}

/// How many properties the catalogue knows of the kind of a resource; `id` is not counted.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_property_count(resource: isym_resource) -> usize {
    guard::plain(|| resource.get().map_or(0, |resource| resource.kind().row().properties.len()))
}

/// A property with its value, by its position in the catalogue.
///
/// Answers ISYM_NOT_FOUND for a position beyond the end. What is found is borrowed from the same snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn isym_resource_property_at(
    resource: isym_resource,
    position: usize,
    property: Option<&mut MaybeUninit<isym_property>>,
) -> isym_status {
    guard::quiet(|| {
        let view = resource.get();
        found(view.and_then(|view| view.properties().nth(position)).map(isym_property::from), property)
    })
}
