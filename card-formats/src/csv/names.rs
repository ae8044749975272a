//! The names of columns, in English and in the languages in which Outlook translates them.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::field::{Field, List, One, Part, fold};

/// A field, and the names of its columns: first in English, then in German, French,
/// Spanish, Polish and Ukrainian. A bar separates two names.
type Names = (Field, [&'static str; 6]);

const fn one(one: One) -> Field {
    Field::One(one)
}

/// The labels of the phones of Outlook, in the order of their columns.
pub(super) const PHONES: [&str; 20] = [
    "work",
    "work",
    "home",
    "home",
    "mobile",
    "main",
    "other",
    "work fax",
    "home fax",
    "other fax",
    "pager",
    "car",
    "company main",
    "assistant",
    "callback",
    "isdn",
    "radio",
    "textphone",
    "telex",
    "mobile",
];
/// The labels of the addresses of Outlook.
pub(super) const ADDRESSES: [&str; 3] = ["work", "home", "other"];
/// The labels of the people of Outlook.
pub(super) const RELATIONS: [&str; 4] = ["spouse", "child", "manager", "assistant"];

#[rustfmt::skip]
const ONES: [Names; 17] = [
    (one(One::Prefix), ["Title|Name Prefix", "Anrede|Titel", "Titre|Civilité", "Tratamiento|Título", "Tytuł|Zwrot grzecznościowy", "Звернення|Звертання|Звання"]),
    (one(One::Given), ["First Name|Given Name", "Vorname", "Prénom", "Nombre", "Imię", "Ім'я"]),
    (one(One::Middle), ["Middle Name|Additional Name", "Weitere Vornamen", "Deuxième prénom", "Segundo nombre", "Drugie imię", "По батькові"]),
    (one(One::Family), ["Last Name|Family Name|Surname", "Nachname", "Nom|Nom de famille", "Apellidos|Apellido", "Nazwisko", "Прізвище"]),
    (one(One::Suffix), ["Suffix|Name Suffix", "Namenszusatz", "Suffixe", "Sufijo", "Sufiks", "Суфікс"]),
    (one(One::Nickname), ["Nickname", "Spitzname", "Surnom", "Apodo|Sobrenombre", "Pseudonim", "Псевдонім"]),
    (one(One::PhoneticGiven), ["Phonetic First Name|Given Name Yomi", "", "", "", "", ""]),
    (one(One::PhoneticFamily), ["Phonetic Last Name|Family Name Yomi", "", "", "", "", ""]),
    (one(One::Formatted), ["Full Name|Name|Display Name", "", "", "", "", ""]),
    (one(One::Birthday), ["Birthday", "Geburtstag", "Anniversaire|Date de naissance", "Cumpleaños", "Urodziny|Data urodzenia", "День народження"]),
    (one(One::Death), ["Date of Death", "", "", "", "", ""]),
    (one(One::Notes), ["Notes", "Notizen", "Remarques", "Notas", "Notatki|Uwagi", "Примітки|Нотатки"]),
    (one(One::Groups), ["Labels|Group Membership", "", "", "", "", ""]),
    (one(One::Categories), ["Categories", "Kategorien", "Catégories", "Categorías", "Kategorie", "Категорії"]),
    (one(One::Starred), ["Starred", "", "", "", "", ""]),
    (one(One::Uid), ["Uid", "", "", "", "", ""]),
    (Field::Item(List::Event, 0, Part::Value), ["Anniversary", "Jahrestag", "Anniversaire de mariage ou fête|Anniversaire de mariage", "Aniversario", "Rocznica", "Річниця"]),
];

const fn item(list: List, index: usize, part: Part) -> Field {
    Field::Item(list, index, part)
}

#[rustfmt::skip]
const WORK: [Names; 15] = [
    (item(List::Organization, 0, Part::Value), ["Company|Organization Name|Organization", "Firma", "Société", "Organización|Compañía|Empresa", "Firma", "Організація|Компанія"]),
    (item(List::Organization, 0, Part::Department), ["Department|Organization Department", "Abteilung", "Service", "Departamento", "Dział", "Відділ"]),
    (item(List::Organization, 0, Part::Title), ["Job Title|Organization Title", "Position", "Fonction", "Puesto|Cargo", "Stanowisko", "Посада"]),
    (item(List::Relation, 0, Part::Value), ["Spouse", "Partner|Partner/in", "Conjoint(e)|Conjoint", "Cónyuge", "Współmałżonek|Małżonek", "Дружина|Чоловік/дружина"]),
    (item(List::Relation, 1, Part::Value), ["Children", "Kinder", "Enfants", "Hijos", "Dzieci", "Діти"]),
    (item(List::Relation, 2, Part::Value), ["Manager's Name", "Name des/der Vorgesetzten|Vorgesetzter", "Responsable|Nom du responsable", "Nombre del director|Director", "Menedżer|Nazwisko menedżera", "Ім'я керівника|Керівник"]),
    (item(List::Relation, 3, Part::Value), ["Assistant's Name", "Name Assistent|Assistent", "Nom de l'assistant(e)", "Nombre del ayudante", "Imię i nazwisko asystenta", "Ім'я помічника"]),
    (item(List::Url, 0, Part::Value), ["Web Page|Website", "Webseite", "Page Web", "Página Web", "Strona sieci Web|Strona internetowa", "Веб-сторінка"]),
    (item(List::Url, 0, Part::Label), ["Web Page Label", "", "", "", "", ""]),
    (item(List::Email, 0, Part::Value), ["E-mail Address|Email|E-mail|Email Address", "E-Mail-Adresse|E-Mail: Adresse", "Adresse de messagerie|Adresse e-mail", "Dirección de correo electrónico|Correo electrónico", "Adres e-mail", "Адреса ел. пошти|Адреса електронної пошти|Електронна пошта"]),
    (item(List::Email, 1, Part::Value), ["E-mail 2 Address", "E-Mail 2: Adresse|E-Mail-Adresse 2", "Adresse de messagerie 2|Adresse e-mail 2", "Dirección de correo electrónico 2|Dirección del correo electrónico 2", "Adres e-mail 2|E-mail 2 - adres", "Адреса 2 ел. пошти|Адреса електронної пошти 2"]),
    (item(List::Email, 2, Part::Value), ["E-mail 3 Address", "E-Mail 3: Adresse|E-Mail-Adresse 3", "Adresse de messagerie 3|Adresse e-mail 3", "Dirección de correo electrónico 3|Dirección del correo electrónico 3", "Adres e-mail 3|E-mail 3 - adres", "Адреса 3 ел. пошти|Адреса електронної пошти 3"]),
    (item(List::Email, 0, Part::Label), ["E-mail Label", "", "", "", "", ""]),
    (item(List::Email, 1, Part::Label), ["E-mail 2 Label", "", "", "", "", ""]),
    (item(List::Email, 2, Part::Label), ["E-mail 3 Label", "", "", "", "", ""]),
];

const fn phone(at: usize) -> Field {
    item(List::Phone, at, Part::Value)
}

#[rustfmt::skip]
const CALLS: [Names; 20] = [
    (phone(0), ["Business Phone", "Telefon geschäftlich|Telefon (geschäftlich)", "Téléphone (bureau)", "Teléfono del trabajo", "Telefon służbowy", "Робочий телефон"]),
    (phone(1), ["Business Phone 2", "Telefon geschäftlich 2|Telefon (geschäftlich) 2", "Téléphone 2 (bureau)|Téléphone (bureau) 2", "Teléfono del trabajo 2|Teléfono 2 del trabajo", "Telefon służbowy 2", "Телефон роб. 2|Робочий телефон 2"]),
    (phone(2), ["Home Phone", "Telefon privat|Telefon (privat)", "Téléphone (domicile)", "Teléfono particular|Particular", "Telefon domowy", "Домашній телефон"]),
    (phone(3), ["Home Phone 2", "Telefon privat 2|Telefon (privat) 2", "Téléphone 2 (domicile)|Téléphone (domicile) 2", "Teléfono particular 2|Número de teléfono 2 particular", "Telefon domowy 2", "Телефон дом. 2|Домашній телефон 2"]),
    (phone(4), ["Mobile Phone|Mobile", "Mobiltelefon|Mobil", "Tél. mobile|Téléphone mobile|Mobile", "Teléfono móvil|Móvil", "Telefon komórkowy", "Телефон мобільний|Мобільний телефон"]),
    (phone(5), ["Primary Phone|Phone", "Haupttelefon|Telefon", "Téléphone principal|Téléphone", "Teléfono principal|Teléfono", "Telefon podstawowy|Telefon", "Основний телефон|Телефон"]),
    (phone(6), ["Other Phone", "Weiteres Telefon", "Téléphone (autre)", "Otro teléfono", "Inny telefon", "Інший телефон"]),
    (phone(7), ["Business Fax", "Fax geschäftlich|Fax (geschäftlich)", "Télécopie (bureau)", "Fax del trabajo", "Faks służbowy", "Робочий факс"]),
    (phone(8), ["Home Fax", "Fax privat|Fax (privat)", "Télécopie (domicile)", "Fax particular", "Faks domowy", "Домашній факс"]),
    (phone(9), ["Other Fax", "Weiteres Fax", "Télécopie (autre)", "Otro fax", "Inny faks", "Інший факс"]),
    (phone(10), ["Pager", "Pager", "Récepteur de radiomessagerie", "Localizador", "Pager", "Пейджер"]),
    (phone(11), ["Car Phone", "Autotelefon", "Téléphone (voiture)", "Teléfono del automóvil", "Telefon w samochodzie", "Телефон у машині|Автомобільний телефон"]),
    (phone(12), ["Company Main Phone", "Telefon Firma", "Téléphone société", "Número de centralita de la organización", "Główny telefon do firmy", "Основний телефон організації|Телефон компанії"]),
    (phone(13), ["Assistant's Phone", "Telefon Assistent", "Téléphone de l'assistant(e)", "Teléfono del ayudante", "Telefon asystenta", "Телефон помічника"]),
    (phone(14), ["Callback", "Rückmeldung", "Rappel", "Devolución de llamada", "Wywołanie zwrotne|Oddzwanianie", "Зворотний виклик"]),
    (phone(15), ["ISDN", "", "RNIS", "RDSI", "", ""]),
    (phone(16), ["Radio Phone", "Funktelefon", "Radio téléphone", "Radioteléfono", "Radiotelefon", "Радіотелефон"]),
    (phone(17), ["TTY/TDD Phone", "Telefon für Hörbehinderte", "Téléphone TDD/TTY", "Número de teletipo|Teléfono TTY/TDD", "Telefon TTY/TDD", "Телефон TTY/TDD|Телетайп"]),
    (phone(18), ["Telex", "", "Télex", "Télex", "Teleks", "Телекс"]),
    (phone(19), ["Mobile Phone 2", "Mobiltelefon 2", "Tél. mobile 2", "Teléfono móvil 2", "Telefon komórkowy 2", "Мобільний телефон 2"]),
];

/// The parts of an address, for which a name of `PLACES` is in the place of `{}`.
#[rustfmt::skip]
const PARTS: [(Part, [&str; 6]); 9] = [
    (Part::Value, ["{} Street", "Straße {}|{} Straße", "Rue ({})", "Calle {}|{} calle", "{} - ulica", "Вулиця ({})|{} вулиця"]),
    (Part::Value, ["{} Street 2", "Straße {} 2|{} Straße 2", "Rue ({}) 2|Rue 2 ({})", "Calle {} 2|Calle 2 {}|{} calle 2", "{} - ulica 2|{} - ulica (2)", "Вулиця 2 ({})|{} вулиця 2"]),
    (Part::Value, ["{} Street 3", "Straße {} 3|{} Straße 3", "Rue ({}) 3|Rue 3 ({})", "Calle {} 3|Calle 3 {}|{} calle 3", "{} - ulica 3|{} - ulica (3)", "Вулиця 3 ({})|{} вулиця 3"]),
    (Part::Extended, ["{} Address PO Box", "Postfach {}|{} Postfach", "Boîte postale ({})|B.P. ({})|B.P. {}|Boîte postale {}|{} boîte postale", "Apartado postal de la dirección {}|Apartado postal {}|{} apartado postal", "{} skrzynka pocztowa|{} - skrytka pocztowa", "Поштова скринька ({})"]),
    (Part::City, ["{} City", "Ort {}|{} Ort", "Ville ({})", "Ciudad {}|{} ciudad", "{} - miejscowość|{} - miasto", "Місто ({})|{} місто"]),
    (Part::Region, ["{} State", "Region {}|Bundesland/Kanton {}|{} Bundesland/Kanton", "Dép/Région ({})", "Provincia o estado {}|{} provincia o estado", "{} - województwo", "Область ({})|{} область"]),
    (Part::PostalCode, ["{} Postal Code", "Postleitzahl {}|{} Postleitzahl", "Code postal ({})", "Código postal {}|{} código postal", "{} - kod pocztowy", "Індекс ({})|Поштовий код ({})|Поштовий індекс ({})|{} поштовий індекс"]),
    (Part::Country, ["{} Country/Region|{} Country", "Land/Region {}|{} Land/Region", "Pays/Région ({})", "País o región {}|{} país o región", "{} - kraj/region|{} - kraj", "Країна або регіон ({})|Країна ({})|{} країна"]),
    (Part::CountryCode, ["{} Country Code", "", "", "", "", ""]),
];

#[rustfmt::skip]
const PLACES: [[&str; 6]; 3] = [
    ["Business", "geschäftlich", "bureau|professionnelle", "del trabajo|de trabajo", "Adres służbowy|Służbowa", "роб. адреса|роб.|робоча адреса|робоча"],
    ["Home", "privat", "domicile|du domicile", "particular|de residencia|del domicilio|personal", "Adres domowy|Domowa", "дом. адреса|дом.|домашня адреса|домашня"],
    ["Other", "Weitere|Weiterer|Weiteres/r|Weiteres/e|Weiteres", "autre", "otra|otro|de otra dirección|adicional", "Inny adres|Inna", "інша адреса|інша"],
];

/// The field of each name, and whether the name is not English.
static FIELDS: LazyLock<HashMap<String, (Field, bool)>> = LazyLock::new(|| {
    let mut fields = HashMap::new();
    let mut add = |name: &str, field, language: usize| {
        if !name.is_empty() {
            fields.entry(fold(name)).or_insert((field, language > 0));
        }
    };
    for language in 0..6 {
        for (field, names) in ONES.iter().chain(&WORK).chain(&CALLS) {
            for name in names[language].split('|') {
                add(name, *field, language);
            }
        }
        for (at, places) in PLACES.iter().enumerate() {
            for (part, patterns) in &PARTS {
                for pattern in patterns[language].split('|') {
                    for place in places[language].split('|') {
                        let field = item(List::Address, at, *part);
                        add(&pattern.replace("{}", place), field, language);
                    }
                }
            }
        }
    }
    fields
});

/// The field of a column with this folded name, and whether the name is not English.
pub(super) fn field(name: &str) -> Option<(Field, bool)> {
    FIELDS.get(name).copied()
}

/// The columns that Outlook has, with their English names, in the order of its files.
pub(super) fn outlook() -> Vec<(String, Field)> {
    let first = |names: &[&str; 6]| names[0].split('|').next().unwrap_or_default().to_owned();
    let is_used = |field: &Field| {
        let Field::One(one) = field else { return true };
        !matches!(one, One::PhoneticGiven | One::PhoneticFamily | One::Groups)
    };
    let mut columns: Vec<(String, Field)> = ONES
        .iter()
        .chain(&WORK)
        .chain(&CALLS)
        .filter(|(field, _)| is_used(field))
        .map(|(field, names)| (first(names), *field))
        .collect();
    for (at, places) in PLACES.iter().enumerate() {
        for (part, patterns) in &PARTS {
            let name = first(patterns).replace("{}", places[0]);
            columns.push((name, item(List::Address, at, *part)));
        }
    }
    columns
}
