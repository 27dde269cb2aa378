//! How the hand-written wire types stand in the OpenAPI description.

use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::{Digest, Document, Named, Quantity, Time};

fn text(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).description(Some(description)).examples([example])
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        text("A moment in RFC 3339, at most six decimals of a second.", "2026-03-01T08:30:00.000000Z")
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

impl PartialSchema for Quantity {
    fn schema() -> RefOr<Schema> {
        text("A quantity in decimal text, scaled by the asset class.", "12.50")
            .pattern(Some(r"^[0-9]+(\.[0-9]+)?$"))
            .into()
    }
}

impl PartialSchema for Named {
    fn schema() -> RefOr<Schema> {
        text("A UUID in its hyphenated form, or else a name (at most 128 bytes of UTF-8).", "tag:LAPTOP-0042").into()
    }
}

impl PartialSchema for Digest {
    fn schema() -> RefOr<Schema> {
        text("A SHA-256 hash in hexadecimal.", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
            .pattern(Some("^[0-9a-f]{64}$"))
            .into()
    }
}

impl PartialSchema for Document {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Object))
            .description(Some("Any JSON object, kept byte for byte; at most 65,536 bytes, 64 levels deep."))
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

impl ToSchema for Time {}
impl ToSchema for Quantity {}
impl ToSchema for Named {}
impl ToSchema for Digest {}
impl ToSchema for Document {}
