//! tonic + sqlx's own pool + HS256.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};

use chrono::{DateTime, NaiveDate, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use pb::contacts_service_server::{ContactsService, ContactsServiceServer};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};
use uuid::Uuid;

mod pb {
    tonic::include_proto!("perf.contacts.v1");
}

struct Contacts {
    pool: PgPool,
    key: DecodingKey,
    rules: Validation,
}

#[derive(serde::Deserialize)]
struct Claims {
    sub: Uuid,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    given_name: String,
    family_name: String,
    email: Option<String>,
    phone: Option<String>,
    birthday: Option<NaiveDate>,
    notes: String,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

const GET: &str = "SELECT id, given_name, family_name, email, phone, birthday, notes, version,
    created_at, updated_at FROM contacts WHERE owner_id = $1 AND id = $2";
const LIST: &str = "SELECT id, given_name, family_name, email, phone, birthday, notes, version,
    created_at, updated_at FROM contacts WHERE owner_id = $1 AND id > $2 ORDER BY id LIMIT $3";
const CREATE: &str = "INSERT INTO contacts
    (owner_id, id, given_name, family_name, email, phone, birthday, notes)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    RETURNING id, given_name, family_name, email, phone, birthday, notes, version,
    created_at, updated_at";

impl From<Row> for pb::Contact {
    fn from(row: Row) -> Self {
        let time = |time: DateTime<Utc>| prost_types::Timestamp {
            seconds: time.timestamp(),
            nanos: time.timestamp_subsec_nanos().cast_signed(),
        };
        Self {
            id: row.id.to_string(),
            given_name: row.given_name,
            family_name: row.family_name,
            email: row.email.unwrap_or_default(),
            phone: row.phone.unwrap_or_default(),
            birthday: row.birthday.map_or_else(String::new, |day| day.to_string()),
            notes: row.notes,
            etag: row.version.to_string(),
            created_at: Some(time(row.created_at)),
            updated_at: Some(time(row.updated_at)),
        }
    }
}

impl Contacts {
    fn owner(&self, metadata: &MetadataMap) -> Result<Uuid, Status> {
        let header = metadata
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        let token = header.and_then(|header| header.strip_prefix("Bearer "));
        token
            .and_then(|token| decode::<Claims>(token, &self.key, &self.rules).ok())
            .map(|token| token.claims.sub)
            .ok_or_else(|| Status::unauthenticated("token"))
    }
}

fn internal(error: sqlx::Error) -> Status {
    Status::internal(error.to_string())
}

#[tonic::async_trait]
impl ContactsService for Contacts {
    async fn get_contact(
        &self,
        request: Request<pb::GetContactRequest>,
    ) -> Result<Response<pb::Contact>, Status> {
        let owner = self.owner(request.metadata())?;
        let id = Uuid::parse_str(&request.get_ref().id);
        let id = id.map_err(|_| Status::invalid_argument("id"))?;
        let row: Option<Row> = sqlx::query_as(GET)
            .bind(owner)
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(internal)?;
        row.map(|row| Response::new(row.into()))
            .ok_or_else(|| Status::not_found("contact"))
    }

    async fn list_contacts(
        &self,
        request: Request<pb::ListContactsRequest>,
    ) -> Result<Response<pb::ListContactsResponse>, Status> {
        let owner = self.owner(request.metadata())?;
        let request = request.into_inner();
        let after = match &*request.page_token {
            "" => Uuid::nil(),
            token => Uuid::parse_str(token).map_err(|_| Status::invalid_argument("token"))?,
        };
        let rows: Vec<Row> = sqlx::query_as(LIST)
            .bind(owner)
            .bind(after)
            .bind(request.page_size)
            .fetch_all(&self.pool)
            .await
            .map_err(internal)?;
        let is_full = i32::try_from(rows.len()).is_ok_and(|count| count == request.page_size);
        let last = rows
            .last()
            .filter(|_| is_full)
            .map(|row| row.id.to_string());
        Ok(Response::new(pb::ListContactsResponse {
            contacts: rows.into_iter().map(Into::into).collect(),
            next_page_token: last.unwrap_or_default(),
        }))
    }

    async fn create_contact(
        &self,
        request: Request<pb::CreateContactRequest>,
    ) -> Result<Response<pb::Contact>, Status> {
        let owner = self.owner(request.metadata())?;
        let contact = request.into_inner().contact.unwrap_or_default();
        let birthday: Option<NaiveDate> = contact.birthday.parse().ok();
        let row: Row = sqlx::query_as(CREATE)
            .bind(owner)
            .bind(Uuid::new_v4())
            .bind(contact.given_name)
            .bind(contact.family_name)
            .bind(contact.email)
            .bind(contact.phone)
            .bind(birthday)
            .bind(contact.notes)
            .fetch_one(&self.pool)
            .await
            .map_err(internal)?;
        Ok(Response::new(row.into()))
    }

    async fn update_contact(
        &self,
        _: Request<pb::UpdateContactRequest>,
    ) -> Result<Response<pb::Contact>, Status> {
        Err(Status::unimplemented("not measured"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = env::args().nth(1).ok_or("usage: rust_peer PORT")?.parse()?;
    // Reads PGHOST, PGUSER and PGDATABASE.
    let pool = PgPoolOptions::new().max_connections(8);
    let pool = pool.connect_with(PgConnectOptions::new()).await?;
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_audience(&["contacts"]);
    rules.set_issuer(&["https://auth.example"]);
    let secret = std::fs::read(env::var("HSKEY")?)?;
    let key = DecodingKey::from_secret(&secret);
    let service = ContactsServiceServer::new(Contacts { pool, key, rules });
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    tonic::transport::Server::builder()
        .add_service(service)
        .serve(address)
        .await?;
    Ok(())
}
