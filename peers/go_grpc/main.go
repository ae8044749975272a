// grpc-go + pgxpool + HS256.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"crypto/rand"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"go_peer/pb"
)

const cols = "id, given_name, family_name, email, phone, birthday, notes, version, created_at, updated_at"

type svc struct {
	pb.UnimplementedContactsServiceServer
	p   *pgxpool.Pool
	key []byte
}
type claims struct {
	Sub, Iss, Aud string
	Exp           int64
}

func (s *svc) owner(ctx context.Context) (u pgtype.UUID, err error) {
	bad := status.Error(codes.Unauthenticated, "token")
	md, _ := metadata.FromIncomingContext(ctx)
	v := md.Get("authorization")
	if len(v) == 0 || !strings.HasPrefix(v[0], "Bearer ") {
		return u, bad
	}
	t := v[0][7:]
	i := strings.LastIndexByte(t, '.')
	j := strings.IndexByte(t, '.')
	if i <= j {
		return u, bad
	}
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte(t[:i]))
	sig, e := base64.RawURLEncoding.DecodeString(t[i+1:])
	if e != nil || !hmac.Equal(sig, m.Sum(nil)) {
		return u, bad
	}
	var h struct{ Alg string }
	hb, _ := base64.RawURLEncoding.DecodeString(t[:j])
	if json.Unmarshal(hb, &h) != nil || h.Alg != "HS256" {
		return u, bad
	}
	b, _ := base64.RawURLEncoding.DecodeString(t[j+1 : i])
	var c claims
	if json.Unmarshal(b, &c) != nil || c.Exp < time.Now().Unix() || c.Aud != "contacts" || c.Iss != "https://auth.example" {
		return u, bad
	}
	if u.Scan(c.Sub) != nil {
		return u, bad
	}
	return u, nil
}

type scanner interface{ Scan(...any) error }

func to(r scanner) (*pb.Contact, error) {
	var id pgtype.UUID
	var email, phone *string
	var bd *time.Time
	var ver int64
	var ca, ua time.Time
	c := &pb.Contact{}
	if err := r.Scan(&id, &c.GivenName, &c.FamilyName, &email, &phone, &bd, &c.Notes, &ver, &ca, &ua); err != nil {
		return nil, err
	}
	c.Id = id.String()
	if email != nil {
		c.Email = *email
	}
	if phone != nil {
		c.Phone = *phone
	}
	if bd != nil {
		c.Birthday = bd.Format("2006-01-02")
	}
	c.Etag = strconv.FormatInt(ver, 10)
	c.CreatedAt = timestamppb.New(ca)
	c.UpdatedAt = timestamppb.New(ua)
	return c, nil
}
func (s *svc) GetContact(ctx context.Context, r *pb.GetContactRequest) (*pb.Contact, error) {
	o, err := s.owner(ctx)
	if err != nil {
		return nil, err
	}
	var id pgtype.UUID
	if id.Scan(r.Id) != nil {
		return nil, status.Error(codes.InvalidArgument, "id")
	}
	c, err := to(s.p.QueryRow(ctx, "select "+cols+" from contacts where owner_id=$1 and id=$2", o, id))
	if err != nil {
		return nil, status.Error(codes.NotFound, "contact")
	}
	return c, nil
}
func (s *svc) ListContacts(ctx context.Context, r *pb.ListContactsRequest) (*pb.ListContactsResponse, error) {
	o, err := s.owner(ctx)
	if err != nil {
		return nil, err
	}
	id := pgtype.UUID{Valid: true}
	if r.PageToken != "" && id.Scan(r.PageToken) != nil {
		return nil, status.Error(codes.InvalidArgument, "token")
	}
	rows, err := s.p.Query(ctx, "select "+cols+" from contacts where owner_id=$1 and id>$2 order by id limit $3", o, id, r.PageSize)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	defer rows.Close()
	out := &pb.ListContactsResponse{Contacts: make([]*pb.Contact, 0, r.PageSize)}
	for rows.Next() {
		c, err := to(rows)
		if err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
		out.Contacts = append(out.Contacts, c)
	}
	if len(out.Contacts) == int(r.PageSize) {
		out.NextPageToken = out.Contacts[len(out.Contacts)-1].Id
	}
	return out, nil
}
func (s *svc) CreateContact(ctx context.Context, r *pb.CreateContactRequest) (*pb.Contact, error) {
	o, err := s.owner(ctx)
	if err != nil {
		return nil, err
	}
	id := pgtype.UUID{Valid: true}
	rand.Read(id.Bytes[:])
	k := r.Contact
	bd, _ := time.Parse("2006-01-02", k.Birthday)
	c, err := to(s.p.QueryRow(ctx, "insert into contacts(owner_id,id,given_name,family_name,email,phone,birthday,notes) values($1,$2,$3,$4,$5,$6,$7,$8) returning "+cols, o, id, k.GivenName, k.FamilyName, k.Email, k.Phone, bd, k.Notes))
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return c, nil
}
func main() {
	n := os.Getenv("POOL")
	if n == "" {
		n = "8"
	}
	p, err := pgxpool.New(context.Background(), "pool_max_conns="+n)
	if err != nil {
		panic(err)
	}
	kf := os.Getenv("HSKEY")
	if kf == "" {
		kf = "hs.key"
	}
	key, _ := os.ReadFile(kf)
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	g := grpc.NewServer()
	pb.RegisterContactsServiceServer(g, &svc{p: p, key: key})
	fmt.Println("ready")
	g.Serve(l)
}
