//! Names and places of many countries, in their own scripts.

/// Names of one country. A list is one text, separated by ", ".
pub(crate) struct Culture {
    /// ISO 3166-1 alpha-2.
    pub(crate) country_code: &'static str,
    pub(crate) country: &'static str,
    /// Family names may depend on gender, so they come in sets.
    pub(crate) people: &'static [Names],
    /// City and postal code.
    pub(crate) cities: &'static [(&'static str, &'static str)],
    pub(crate) streets: &'static str,
}

/// Any given name fits any family name. The pronunciation follows `|`.
pub(crate) struct Names {
    pub(crate) given: &'static str,
    pub(crate) family: &'static str,
}

/// All of them.
pub(crate) const CULTURES: &[Culture] = &[
    Culture {
        country_code: "US",
        country: "United States",
        people: &[Names {
            given: "Grace, Marcus, Olivia, Ethan, Ava, Jamal, Chloe, Noah, Maya, Tyler",
            family: "Johnson, Williams, Garcia, Nguyen, O'Connor, Washington, Kim, Miller, Rodriguez, Van Dyke",
        }],
        cities: &[
            ("New York", "10001"),
            ("San Francisco", "94103"),
            ("Chicago", "60601"),
        ],
        streets: "Main Street, Oak Avenue, 2nd Street",
    },
    Culture {
        country_code: "GB",
        country: "United Kingdom",
        people: &[Names {
            given: "Ada, Oliver, Isla, George, Siân, Harry, Niamh, Callum, Beatrice, Alfie",
            family: "Smith, Patel, Lloyd-Jones, MacDonald, O'Neill, Taylor, Ahmed, Whitfield, Byrne, Clarke",
        }],
        cities: &[
            ("London", "SW1A 1AA"),
            ("Bristol", "BS1 4DJ"),
            ("Edinburgh", "EH1 1YZ"),
        ],
        streets: "High Street, Station Road, Church Lane",
    },
    Culture {
        country_code: "DE",
        country: "Deutschland",
        people: &[Names {
            given: "Jürgen, Käthe, Björn, Anneliese, Sören, Ülkü, Günther, Marlene, Lukas, Jörg",
            family: "Müller, Schröder, Weiß, Großmann, Köhler, Böhm, Kühn, Schäfer, Jäger, von der Heide",
        }],
        cities: &[("Berlin", "10115"), ("München", "80331"), ("Köln", "50667")],
        streets: "Hauptstraße, Goethestraße, Am Mühlenweg",
    },
    Culture {
        country_code: "FR",
        country: "France",
        people: &[Names {
            given: "Zoé, François, Hélène, Loïc, Noémie, Jérôme, Maëlle, Benoît, Océane, Gaël",
            family: "Lefèvre, Béranger, Dupré, Garçon, L'Hôte, Faÿ, Lemaître, Château, Gérard, Noël",
        }],
        cities: &[("Paris", "75004"), ("Lyon", "69002"), ("Besançon", "25000")],
        streets: "rue de la République, avenue Victor-Hugo, place du Marché",
    },
    Culture {
        country_code: "ES",
        country: "España",
        people: &[Names {
            given: "Íñigo, Begoña, Álvaro, Lucía, Joaquín, Inés, Martín, Sofía, Óscar, Núria",
            family: "García Muñoz, Ibáñez Peña, Gómez Núñez, Vázquez, López Cañizares, Martínez, Sánchez Ávila, Díaz",
        }],
        cities: &[
            ("Madrid", "28013"),
            ("A Coruña", "15001"),
            ("Cádiz", "11001"),
        ],
        streets: "calle Mayor, avenida de la Constitución, plaza de España",
    },
    Culture {
        country_code: "PL",
        country: "Polska",
        people: &[
            Names {
                given: "Łukasz, Paweł, Michał, Stanisław, Błażej, Grzegorz",
                family: "Kowalski, Wiśniewski, Dąbrowski, Wójcik, Żurawski, Jabłoński",
            },
            Names {
                given: "Małgorzata, Agnieszka, Świętosława, Bożena, Zofia, Elżbieta",
                family: "Kowalska, Wiśniewska, Dąbrowska, Wójcik, Żurawska, Jabłońska",
            },
        ],
        cities: &[
            ("Warszawa", "00-001"),
            ("Łódź", "90-001"),
            ("Kraków", "30-001"),
        ],
        streets: "ulica Długa, ulica Świętokrzyska, aleja Róż",
    },
    Culture {
        country_code: "CZ",
        country: "Česko",
        people: &[
            Names {
                given: "Jiří, Tomáš, Ondřej, Zdeněk, Matěj, Vojtěch",
                family: "Novák, Dvořák, Černý, Procházka, Růžička, Šťastný",
            },
            Names {
                given: "Kateřina, Žofie, Eliška, Tereza, Anežka, Zdeňka",
                family: "Nováková, Dvořáková, Černá, Procházková, Růžičková, Šťastná",
            },
        ],
        cities: &[("Praha", "110 00"), ("Brno", "602 00"), ("Plzeň", "301 00")],
        streets: "Dlouhá, Na Příkopě, Žižkova",
    },
    Culture {
        country_code: "SE",
        country: "Sverige",
        people: &[Names {
            given: "Åsa, Björn, Märta, Göran, Saga, Håkan, Ebba, Örjan, Linnéa, Nils",
            family: "Åkesson, Öberg, Sjöström, Lindqvist, Bergström, Hägg, Ångström, Nyström",
        }],
        cities: &[
            ("Stockholm", "111 20"),
            ("Göteborg", "411 03"),
            ("Malmö", "211 19"),
        ],
        streets: "Storgatan, Kungsgatan, Björkvägen",
    },
    Culture {
        country_code: "TR",
        country: "Türkiye",
        people: &[Names {
            given: "Çağla, İbrahim, Şeyma, Gökhan, Ümit, Işıl, Ömer, Yağmur, Cem, Ayşe",
            family: "Yılmaz, Şahin, Öztürk, Çelik, Güneş, Işık, Kılıç, Doğan",
        }],
        cities: &[
            ("İstanbul", "34110"),
            ("Eskişehir", "26000"),
            ("İzmir", "35000"),
        ],
        streets: "Atatürk Caddesi, İstiklal Caddesi, Çiçek Sokağı",
    },
    Culture {
        country_code: "VN",
        country: "Việt Nam",
        people: &[Names {
            given: "Hương, Dũng, Thảo, Đức, Ngọc, Quân, Hạnh, Tuấn, Phượng, Bình",
            family: "Nguyễn, Trần, Lê, Phạm, Đặng, Huỳnh, Vũ, Bùi",
        }],
        cities: &[
            ("Hà Nội", "100000"),
            ("Đà Nẵng", "550000"),
            ("Cần Thơ", "900000"),
        ],
        streets: "phố Hàng Bạc, đường Lê Lợi, đường Nguyễn Huệ",
    },
    Culture {
        country_code: "AU",
        country: "Australia",
        people: &[Names {
            given: "Kylie, Lachlan, Matilda, Angus, Zara, Bruce, Imogen, Darcy",
            family: "Nguyen, Singh, Wilson, O'Brien, Papadopoulos, Kelly, Thompson, Yunupingu",
        }],
        cities: &[
            ("Sydney", "2000"),
            ("Melbourne", "3000"),
            ("Alice Springs", "0870"),
        ],
        streets: "George Street, Collins Street, Wattle Grove",
    },
    Culture {
        country_code: "RU",
        country: "Россия",
        people: &[
            Names {
                given: "Иван, Алексей, Фёдор, Юрий, Сергей, Дмитрий",
                family: "Иванов, Соловьёв, Щербаков, Ковалёв, Чайковский, Ермолаев",
            },
            Names {
                given: "Анастасия, Ольга, Алёна, Юлия, Екатерина, Жанна",
                family: "Иванова, Соловьёва, Щербакова, Ковалёва, Чайковская, Ермолаева",
            },
        ],
        cities: &[
            ("Москва", "101000"),
            ("Санкт-Петербург", "190000"),
            ("Казань", "420000"),
        ],
        streets: "улица Пушкина, Невский проспект, улица Чехова",
    },
    Culture {
        country_code: "UA",
        country: "Україна",
        people: &[Names {
            given: "Олександр, Андрій, Ірина, Соломія, Євген, Леся, Богдан, Ганна, Ярослав, Зоряна",
            family: "Шевченко, Коваленко, Бондаренко, Мельник, Їжакевич, Ґудзь, Гриценко, Ткачук",
        }],
        cities: &[("Київ", "01001"), ("Львів", "79000"), ("Чернівці", "58000")],
        streets: "вулиця Хрещатик, вулиця Франка, вулиця Лесі Українки",
    },
    Culture {
        country_code: "GR",
        country: "Ελλάδα",
        people: &[
            Names {
                given: "Γιώργος, Νίκος, Δημήτρης, Αλέξανδρος, Χρήστος, Οδυσσέας",
                family: "Παπαδόπουλος, Ιωάννου, Καραγιάννης, Θεοδωράκης, Οικονόμου, Ξενάκης",
            },
            Names {
                given: "Ελένη, Μαρία, Κωνσταντίνα, Άννα, Χαρά, Ευφροσύνη",
                family: "Παπαδοπούλου, Ιωάννου, Καραγιάννη, Θεοδωράκη, Οικονόμου, Ξενάκη",
            },
        ],
        cities: &[
            ("Αθήνα", "105 57"),
            ("Θεσσαλονίκη", "546 22"),
            ("Ηράκλειο", "712 02"),
        ],
        streets: "Ερμού, Οδός Αριστοτέλους, Λεωφόρος Συγγρού",
    },
    Culture {
        country_code: "JP",
        country: "日本",
        people: &[Names {
            given: "健|けん, さくら|さくら, 陽菜|ひな, 大翔|ひろと, 美咲|みさき, 蓮|れん, 結衣|ゆい, 翔太|しょうた, 葵|あおい, 千尋|ちひろ",
            family: "佐藤|さとう, 鈴木|すずき, 高橋|たかはし, 田中|たなか, 渡辺|わたなべ, 伊藤|いとう, 小林|こばやし, 齋藤|さいとう",
        }],
        cities: &[
            ("東京都", "100-0001"),
            ("京都市", "600-8001"),
            ("札幌市", "060-0001"),
        ],
        streets: "千代田, 本町通, 大通西",
    },
    Culture {
        country_code: "CN",
        country: "中国",
        people: &[Names {
            given: "伟|Wěi, 芳|Fāng, 娜|Nà, 秀英|Xiùyīng, 明|Míng, 静|Jìng, 磊|Lěi, 晓雪|Xiǎoxuě, 志强|Zhìqiáng, 雨桐|Yǔtóng",
            family: "王|Wáng, 李|Lǐ, 张|Zhāng, 刘|Liú, 陈|Chén, 杨|Yáng, 欧阳|Ōuyáng, 赵|Zhào",
        }],
        cities: &[
            ("北京市", "100000"),
            ("上海市", "200000"),
            ("成都市", "610000"),
        ],
        streets: "人民路, 南京东路, 解放大道",
    },
    Culture {
        country_code: "KR",
        country: "대한민국",
        people: &[Names {
            given: "민준|Minjun, 서연|Seoyeon, 지훈|Jihun, 하은|Haeun, 도윤|Doyun, 수빈|Subin, 예린|Yerin, 현우|Hyeonu",
            family: "김|Gim, 이|I, 박|Bak, 최|Choe, 정|Jeong, 강|Gang, 남궁|Namgung, 윤|Yun",
        }],
        cities: &[
            ("서울특별시", "04524"),
            ("부산광역시", "48058"),
            ("제주시", "63122"),
        ],
        streets: "세종대로, 중앙로, 한라산길",
    },
    Culture {
        country_code: "EG",
        country: "مصر",
        people: &[Names {
            given: "محمد, فاطمة, أحمد, ياسمين, خالد, ليلى, يوسف, نور, إبراهيم, مريم",
            family: "عبد الله, حسن, المصري, السيد, إبراهيم, محمود, الشريف, منصور",
        }],
        cities: &[
            ("القاهرة", "11511"),
            ("الإسكندرية", "21500"),
            ("أسوان", "81511"),
        ],
        streets: "شارع التحرير, شارع النيل, شارع الجمهورية",
    },
    Culture {
        country_code: "IL",
        country: "ישראל",
        people: &[Names {
            given: "נועה, יוסף, תמר, דוד, שירה, אורי, מאיה, איתן, רחל, עומר",
            family: "כהן, לוי, מזרחי, פרץ, בן דוד, ביטון, פרידמן, אברהם",
        }],
        cities: &[
            ("ירושלים", "9100000"),
            ("תל אביב", "6100000"),
            ("חיפה", "3100000"),
        ],
        streets: "רחוב הרצל, שדרות רוטשילד, רחוב ביאליק",
    },
    Culture {
        country_code: "IN",
        country: "भारत",
        people: &[Names {
            given: "आरव, दीया, विवान, अनन्या, कृष्ण, सीता, रोहन, प्रिया, अर्जुन, मीरा",
            family: "शर्मा, वर्मा, गुप्ता, सिंह, अय्यर, कुमार, जोशी, त्रिपाठी",
        }],
        cities: &[
            ("नई दिल्ली", "110001"),
            ("मुंबई", "400001"),
            ("जयपुर", "302001"),
        ],
        streets: "महात्मा गांधी मार्ग, नेहरू मार्ग, स्टेशन रोड",
    },
];
