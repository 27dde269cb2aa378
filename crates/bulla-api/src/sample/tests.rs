//! The made-up company is the same for the same seed, and its movements are possible.

use std::collections::HashMap;

use expect_test::expect;

use super::*;

const SMALL: Sample = Sample { assets: 6, transfers: 12, seed: 1 };

fn text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_assets() {
    expect![[r#"
        Company,Asset Tag,Model Name,Category,Manufacturer,Serial Number,Status,Location,Purchase Date,Purchase Cost,Checkout Type,Checked Out To: First Name,Checked Out To: Last Name,Checked Out To: Email,Checkout Location,last_checkout
        Northgate Instruments,VAN-0001,Caddy Cargo,Vehicles,Volkswagen,TSSL81MSGCUXY6YHC,Deployed,Leeds HQ,2022-01-26,24492.25,user,Quentin,Foster,quentin.foster@northgate.example,,2022-09-20
        Northgate Instruments,TOOL-0001,"PM 2-LG line laser, 20 m",Tools,Hilti,8S37VG4TW,Ready to Deploy,Leeds HQ,2022-11-08,373.46,,,,,,
        Northgate Instruments,LAPTOP-0001,Latitude 5440,Laptops,Dell,VJREMRUC,Deployed,Leeds HQ,2023-02-18,1072.78,user,George,Usman,george.usman@northgate.example,,2023-10-03
        Northgate Instruments,VAN-0002,Caddy Cargo,Vehicles,Volkswagen,YLM5K4KSA6GYB31BY,Deployed,Leeds HQ,2021-06-28,24090.57,location,,,,Bristol Depot,2022-12-23
        Northgate Instruments,LAPTOP-0002,Latitude 5440,Laptops,Dell,VSTCSTM7,Deployed,Leeds HQ,2023-08-20,1062.82,user,Oscar,Bauer,oscar.bauer@northgate.example,,2023-10-23
        Northgate Instruments,PHONE-0001,Pixel 8,Phones,Google,7VCCWP66WU8,Deployed,Leeds HQ,2021-10-03,687.28,user,Quentin,Foster,quentin.foster@northgate.example,,2023-03-13
    "#]].assert_eq(&text(|out| SMALL.write_snipe_it(out)));
}

#[test]
fn the_same_seed_gives_the_same_movements() {
    expect![[r#"
        time,asset,from,to,quantity,reference
        2024-01-01T07:00:00Z,tag:VAN-0001,person:quentin.foster@northgate.example,company:Northgate Instruments,,RET-000001
        2024-02-29T13:25:00Z,tag:TOOL-0001,company:Northgate Instruments,person:quentin.foster@northgate.example,,OUT-000002
        2024-05-01T08:50:00Z,tag:VAN-0001,company:Northgate Instruments,person:emeka.owens@northgate.example,,OUT-000003
        2024-07-01T15:15:00Z,tag:VAN-0001,person:emeka.owens@northgate.example,company:Northgate Instruments,,RET-000004
        2024-08-30T10:40:00Z,stock:PRINTER-PAPER-A4,,company:Northgate Instruments,250,PO-000005
        2024-10-30T17:05:00Z,tag:TOOL-0001,person:quentin.foster@northgate.example,company:Northgate Instruments,,RET-000006
        2024-12-31T12:30:00Z,tag:LAPTOP-0002,person:oscar.bauer@northgate.example,company:Northgate Instruments,,RET-000007
        2025-03-03T07:55:00Z,tag:VAN-0002,place:Bristol Depot,company:Northgate Instruments,,RET-000008
        2025-05-01T14:20:00Z,tag:VAN-0002,company:Northgate Instruments,person:oscar.bauer@northgate.example,,OUT-000009
        2025-07-02T09:45:00Z,tag:VAN-0002,person:oscar.bauer@northgate.example,company:Northgate Instruments,,RET-000010
        2025-09-01T16:10:00Z,tag:LAPTOP-0002,company:Northgate Instruments,person:samir.larsen@northgate.example,,OUT-000011
        2025-10-31T11:35:00Z,tag:VAN-0001,company:Northgate Instruments,person:samir.larsen@northgate.example,,OUT-000012
    "#]].assert_eq(&text(|out| SMALL.write_transfers_csv(out)));
}

#[test]
fn another_seed_gives_another_company() {
    let other = Sample { seed: 2, ..SMALL };
    assert_ne!(text(|out| SMALL.write_snipe_it(out)), text(|out| other.write_snipe_it(out)));
    assert_ne!(text(|out| SMALL.write_transfers_csv(out)), text(|out| other.write_transfers_csv(out)));
}

#[test]
fn tags_are_distinct_and_so_are_the_addresses_of_people() {
    let company = Company::new(5_000, 3);
    let tags: std::collections::HashSet<_> = company.assets.iter().map(|asset| &asset.tag).collect();
    let emails: std::collections::HashSet<_> = company.employees.iter().map(|who| &who.email).collect();
    assert_eq!((tags.len(), emails.len()), (company.assets.len(), company.employees.len()));
}

#[test]
fn nobody_gives_what_it_does_not_have_and_time_does_not_go_back() {
    let company = Company::new(40, 9);
    let mut holder: HashMap<String, String> =
        company.assets.iter().map(|asset| (format!("tag:{}", asset.tag), company.party(asset.holder))).collect();
    let mut stock: HashMap<(String, String), u64> = HashMap::new();
    let mut last = None;
    for movement in Movements::new(&company, 5_000, 9) {
        assert!(last <= Some(movement.at) && movement.at.year() <= 2025);
        assert_ne!(movement.from, movement.to);
        last = Some(movement.at);
        let Some(quantity) = movement.quantity else {
            assert_eq!(holder.insert(movement.asset, movement.to.unwrap()), movement.from);
            continue;
        };
        if let Some(from) = movement.from {
            let has = stock.get_mut(&(movement.asset.clone(), from)).unwrap();
            *has = has.checked_sub(quantity).unwrap();
        }
        if let Some(to) = movement.to {
            *stock.entry((movement.asset, to)).or_default() += quantity;
        }
    }
}

#[test]
fn no_assets_and_no_movements_are_a_company_too() {
    let empty = Sample { assets: 0, transfers: 0, seed: 0 };
    assert_eq!(text(|out| empty.write_snipe_it(out)).lines().count(), 1);
    assert_eq!(text(|out| empty.write_transfers_csv(out)).lines().count(), 1);
    assert_eq!(text(|out| Sample { transfers: 9, ..empty }.write_transfers_csv(out)).lines().count(), 10);
}

#[test]
fn requests_of_the_sample_can_be_read_back() {
    for line in text(|out| SMALL.write_ndjson(out)).lines() {
        let request: bulla_client::TransferRequest = serde_json::from_str(line).unwrap();
        assert!(request.record_id.is_some());
    }
}
